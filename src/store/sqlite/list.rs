//! A list query as SQL: keyset pages over promoted columns.
//!
//! Nulls come first in ascending and last in descending order, as on PostgreSQL here. The shape of
//! the text is decided by the client's filter, so the caller bounds how many are kept prepared.

use super::clock::IN_TIME;
use super::filter;
use super::statement::Bind;
use super::table::{ROW_COLUMNS, column_name, identifier};
use crate::model::Sight;
use crate::query::{After, ListQuery, OrderBy, Parents, Scalar};
use crate::schema::ResourceType;

pub(super) struct ListSql {
    pub text: String,
    pub binds: Vec<Bind>,
}

pub(super) fn list_sql(kind: &ResourceType, query: &ListQuery) -> ListSql {
    builder(kind, query, !answers_what_it_looks_at(kind, query)).finish(query)
}

/// The number of rows that the query has on all its pages.
pub(super) fn count_sql(kind: &ResourceType, query: &ListQuery) -> ListSql {
    let builder = builder(kind, query, true);
    let (table, condition) = (identifier(kind.name.as_str()), builder.terms.join(" AND "));
    let text = format!("SELECT count(*) FROM {table} WHERE {condition}");
    ListSql { text, binds: builder.binds }
}

/// `bounded`: it may look at many rows, and at each it looks at the clock too. That comes first: what
/// follows may be false and end the row.
fn builder<'a>(kind: &'a ResourceType, query: &ListQuery, bounded: bool) -> Builder<'a> {
    let mut builder = Builder { kind, terms: Vec::new(), binds: Vec::new() };
    if bounded {
        builder.terms.push(IN_TIME.to_owned());
    }
    builder.parent(query);
    builder.owner(query);
    // Also of a type without `delete_time`: binaries of another schema, which has it, may write here.
    if !(kind.soft_delete && query.show_deleted) {
        builder.terms.push("delete_time IS NULL".to_owned());
    }
    for condition in filter::conditions(kind, &query.filter) {
        builder.terms.push(condition.text);
        builder.binds.extend(condition.binds);
    }
    if let Some(after) = query.after.as_ref().filter(|_| !is_key_range(query)) {
        builder.after(&query.order, query.key_descending, after);
    }
    builder
}

/// Whether each row that the statement looks at is one of its answer, so that its limit bounds it. Deleted rows
/// of a type without `delete_time` are other binaries', and few.
fn answers_what_it_looks_at(kind: &ResourceType, query: &ListQuery) -> bool {
    let shows_all = !kind.soft_delete || query.show_deleted;
    let sees_all = kind.owner.is_none() || query.sight == Sight::All;
    let one_range = Parents::new(query.parent.as_deref()).pattern("*", str::to_owned).is_none();
    shows_all && sees_all && one_range && query.filter.is_empty() && query.order.is_empty()
}

/// The children of one parent by key, or of some whose ids begin alike: a range of the primary key.
fn is_key_range(query: &ListQuery) -> bool {
    let has_prefix = !Parents::new(query.parent.as_deref()).prefix().is_empty();
    has_prefix && query.filter.is_empty() && query.order.is_empty() && !query.key_descending
}

struct Builder<'a> {
    kind: &'a ResourceType,
    terms: Vec<String>,
    binds: Vec<Bind>,
}

impl Builder<'_> {
    /// All children of one parent are one range of the primary key. With a filter or an order the
    /// indexes that begin with `parent` serve better.
    fn parent(&mut self, query: &ListQuery) {
        let parents = Parents::new(query.parent.as_deref());
        let by_key = query.filter.is_empty() && query.order.is_empty();
        match &parents {
            Parents::One(parent) if !by_key => self.term("parent = ?", vec![Bind::text(*parent)]),
            _ => self.prefix(&parents, query, if by_key { "key" } else { "parent" }),
        }
        if let Some(pattern) = parents.pattern("*", str::to_owned) {
            // Ids hold none of GLOB's own characters.
            self.term("parent GLOB ?", vec![Bind::text(pattern)]);
        }
    }

    /// Rows of others are not there; the filter, the order and the page cannot tell.
    fn owner(&mut self, query: &ListQuery) {
        if let (Some(column), Sight::Own(subject)) = (self.kind.owner_column(), &query.sight) {
            self.term(&format!("{} = ?", column_name(column)), vec![Bind::text(subject.as_ref())]);
        }
    }

    fn prefix(&mut self, parents: &Parents<'_>, query: &ListQuery, column: &str) {
        let first = parents.prefix();
        let Some(stem) = first.strip_suffix('/') else { return };
        // One lower bound: of two the planner may take the one that starts each page at the first row.
        let after = query.after.as_ref().filter(|_| is_key_range(query));
        let after = after.map(|after| after.key.as_str()).unwrap_or_default();
        let text = format!("{column} > ? AND {column} < ?");
        // `0` is the character after `/`.
        self.term(&text, vec![Bind::text(first.as_str().max(after)), Bind::text(format!("{stem}0"))]);
    }

    fn term(&mut self, text: &str, binds: Vec<Bind>) {
        self.terms.push(text.to_owned());
        self.binds.extend(binds);
    }

    /// `(a > ?) OR (a = ? AND b > ?) OR (a = ? AND b = ? AND key > ?)`
    fn after(&mut self, order: &[OrderBy], key_descending: bool, after: &After) {
        self.first_column_bound(order, after);
        let mut alternatives = Vec::with_capacity(order.len() + 1);
        for length in 0..=order.len() {
            let mut terms = Vec::with_capacity(length + 1);
            for (order, value) in order.iter().zip(&after.values).take(length) {
                terms.push(self.equal(order.column, value));
            }
            match order.get(length).zip(after.values.get(length)) {
                Some((order, value)) => terms.push(self.beyond(*order, value)),
                None => {
                    terms.push(if key_descending { "key < ?" } else { "key > ?" }.to_owned());
                    self.binds.push(Bind::text(after.key.as_str()));
                }
            }
            alternatives.push(format!("({})", terms.join(" AND ")));
        }
        self.terms.push(format!("({})", alternatives.join(" OR ")));
    }

    /// Implied by the alternatives; said once more because an index range can use this form only.
    fn first_column_bound(&mut self, order: &[OrderBy], after: &After) {
        let Some((first, value)) = order.first().zip(after.values.first()) else { return };
        let column = &self.kind.columns[first.column];
        if *value == Scalar::Null || (first.descending && !column.is_never_null()) {
            return;
        }
        let operator = if first.descending { "<=" } else { ">=" };
        self.terms.push(format!("{} {operator} ?", column_name(column)));
        self.bind(first.column, value);
    }

    fn equal(&mut self, column: usize, value: &Scalar) -> String {
        let name = column_name(&self.kind.columns[column]);
        if *value == Scalar::Null {
            return format!("{name} IS NULL");
        }
        self.bind(column, value);
        format!("{name} = ?")
    }

    fn beyond(&mut self, order: OrderBy, value: &Scalar) -> String {
        let name = column_name(&self.kind.columns[order.column]);
        match (value, order.descending) {
            (Scalar::Null, false) => format!("{name} IS NOT NULL"),
            (Scalar::Null, true) => "FALSE".to_owned(),
            (_, descending) => {
                self.bind(order.column, value);
                if descending { format!("({name} < ? OR {name} IS NULL)") } else { format!("{name} > ?") }
            }
        }
    }

    fn bind(&mut self, column: usize, value: &Scalar) {
        self.binds.push(Bind::scalar(self.kind.columns[column].kind, value));
    }

    fn finish(mut self, query: &ListQuery) -> ListSql {
        let mut text = format!("SELECT {ROW_COLUMNS} FROM {}", identifier(self.kind.name.as_str()));
        if !self.terms.is_empty() {
            text.push_str(" WHERE ");
            text.push_str(&self.terms.join(" AND "));
        }
        text.push_str(" ORDER BY ");
        for order in &query.order {
            text.push_str(&column_name(&self.kind.columns[order.column]));
            text.push_str(if order.descending { " DESC, " } else { ", " });
        }
        text.push_str(if query.key_descending { "key DESC LIMIT ?" } else { "key LIMIT ?" });
        self.binds.push(Bind::integer(i64::from(query.limit)));
        ListSql { text, binds: self.binds }
    }
}
