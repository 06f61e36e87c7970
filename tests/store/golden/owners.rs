//! Told as one owner of many: each read and write looks at that owner's rows.

use serde_json::json;
use trine::model::{Key, Principal, WriteSet};
use trine::query::{ListQuery, OrderBy, filter};
use trine::store::backend::Asked;

use super::stories::{Doors, Story};
use crate::conformance::lists::column;
use crate::conformance::owners::{admin, kind, notebook, page, who};
use crate::conformance::write_sets::{create, delete, set, update, write_set};

const OWNERS: u32 = 50;
const NOTEBOOKS: u32 = 1000;

pub const STORIES: &[(&str, Story)] = &[
    ("owner_get", get),
    ("owner_list", list),
    ("owner_list_filtered", list_filtered),
    ("owner_list_ordered", list_ordered),
    ("owner_list_below", list_below),
    ("owner_list_everywhere", list_everywhere),
    ("owner_update", updates),
    ("owner_delete", deletes),
];

/// Everybody has notebooks, and everybody a page in each of them.
pub fn fill(doors: &mut Doors) {
    let notebooks = (0..NOTEBOOKS).map(|number| {
        let document = json!({ "title": format!("t{number:04}"), "owner": owner(number) });
        create(notebook(&id(number)), document)
    });
    doors.commit(&[by(admin(), write_set(notebooks.collect()))]);
    for part in 0..4 {
        let pages = (0..NOTEBOOKS).map(|number| {
            let document = json!({ "number": number, "owner": owner(number / 20 + part * 7) });
            create(page(&id(number % 20), &format!("p{part}-{number:04}")), document)
        });
        doors.commit(&[by(admin(), write_set(pages.collect()))]);
    }
}

fn owner(number: u32) -> String {
    format!("o{:02}", number % OWNERS)
}

fn id(number: u32) -> String {
    format!("n{number:04}")
}

/// As the seventh of them.
fn own(parent: Option<&str>) -> ListQuery {
    ListQuery::new(parent.map(str::to_owned), who("o07").sight(), 10)
}

fn get(doors: &mut Doors) {
    let asked = |number| Asked { key: Key::new(&id(number)), sight: who("o07").sight() };
    let rows = doors.get_of(kind("notes.v1.Notebook"), &[asked(7), asked(57), asked(8)]);
    assert_eq!(rows, [true, true, false]);
}

fn list(doors: &mut Doors) {
    doors.list_of(kind("notes.v1.Notebook"), own(Some("")));
}

fn list_filtered(doors: &mut Doors) {
    let kind = kind("notes.v1.Notebook");
    let filter = filter::parse(kind, "title = \"t0107\"").unwrap();
    doors.list_of(kind, ListQuery { filter, ..own(Some("")) });
}

fn list_ordered(doors: &mut Doors) {
    let kind = kind("notes.v1.Notebook");
    let order = vec![OrderBy { column: column(kind, "title"), descending: false }];
    doors.list_of(kind, ListQuery { order, ..own(Some("")) });
}

fn list_below(doors: &mut Doors) {
    doors.list_of(kind("notes.v1.Page"), own(Some("n0001")));
}

fn list_everywhere(doors: &mut Doors) {
    doors.list_of(kind("notes.v1.Page"), own(None));
}

fn updates(doors: &mut Doors) {
    let change = update(notebook("n0107"), vec![set("title", json!("changed"))]);
    doors.commit(&[by(who("o07"), write_set(vec![change]))]);
}

fn deletes(doors: &mut Doors) {
    doors.commit(&[by(who("o07"), write_set(vec![delete(notebook("n0157"))]))]);
}

fn by(principal: Principal, write_set: WriteSet) -> WriteSet {
    WriteSet { principal, ..write_set }
}
