//! Told of types with a soft delete: what lists skip, what deletions look for, what goes along.

use serde_json::json;
use trine::query::ListQuery;

use super::stories::{Doors, Story};
use crate::conformance::archive::{
    cabinet, create_folder, create_page, delete_with, folder, folders, one, page, undelete,
};
use crate::conformance::lists::query;
use crate::conformance::write_sets::{create, delete, user, write_set};

const FOLDERS: u32 = 1000;

pub const STORIES: &[(&str, Story)] = &[
    ("list_living", list_living),
    ("list_with_deleted", list_with_deleted),
    ("create_below", create_below),
    ("soft_delete", soft_delete),
    ("undelete", undeletes),
    ("delete_parent", delete_parent),
    ("delete_by_force", delete_by_force),
];

pub fn fill(doors: &mut Doors) {
    for part in 0..4 {
        let own = part * FOLDERS / 4..(part + 1) * FOLDERS / 4;
        let folders = own.clone().map(|number| create_folder(&key(number), &format!("n{number}")));
        let pages = own.map(|number| create_page(&format!("{}/p", key(number))));
        doors.commit(&[write_set(folders.chain(pages).collect())]);
    }
    doors.commit(&[write_set(
        (0..50).map(|number| create(cabinet(&format!("c{number}")), json!({}))).collect(),
    )]);
    let pages = (0..FOLDERS / 10).map(|number| delete(page(&format!("{}/p", key(number)))));
    let folders = (0..FOLDERS / 10).map(|number| delete(folder(&key(number))));
    doors.commit(&[write_set(pages.chain(folders).collect())]);
}

fn key(number: u32) -> String {
    format!("c{}/f{number:04}", number % 50)
}

fn list_living(doors: &mut Doors) {
    doors.list_of(folders(), query(Some("c7"), 10));
}

fn list_with_deleted(doors: &mut Doors) {
    doors.list_of(folders(), ListQuery { show_deleted: true, ..query(Some("c7"), 10) });
}

/// Its folder might be deleted.
fn create_below(doors: &mut Doors) {
    doors.commit(&[
        one(create_page(&format!("{}/q", key(501)))),
        one(create_page(&format!("{}/q", key(502)))),
    ]);
}

/// Its pages are gone.
fn soft_delete(doors: &mut Doors) {
    doors.commit(&[one(delete(page(&format!("{}/p", key(600)))))]);
    doors.commit(&[one(delete(folder(&key(600))))]);
}

fn undeletes(doors: &mut Doors) {
    doors.commit(&[one(undelete(folder(&key(3))))]);
}

/// Looks for entries.
fn delete_parent(doors: &mut Doors) {
    doors.commit(&[write_set(vec![create(user("childless"), json!({ "displayName": "c" }))])]);
    doors.commit(&[one(delete(user("childless")))]);
}

fn delete_by_force(doors: &mut Doors) {
    doors.commit(&[one(delete_with(cabinet("c9"), true, false))]);
}
