//! A list query as SQL: keyset pages over promoted columns.
//!
//! Nulls come first in ascending and last in descending order, as in SQLite. The client's filter
//! decides the shape of the text, so only plain shapes are kept prepared (`shapes.rs`).

use super::filter;
use super::position::POSITION_SQL;
use super::statement::Bind;
use super::table::{PLACED_COLUMNS, column_name, table_name};
use crate::model::Sight;
use crate::query::{After, ListQuery, OrderBy, Parents, Scalar};
use crate::schema::{Column, ColumnKind, ResourceType};

pub(super) struct ListSql {
    pub text: String,
    pub binds: Vec<Bind>,
    /// Likely to come again.
    pub cached: bool,
}

pub(super) fn list_sql(kind: &ResourceType, query: &ListQuery) -> ListSql {
    builder(kind, query).finish(query)
}

/// Position and number of the rows that the query has on all its pages.
pub(super) fn count_sql(kind: &ResourceType, query: &ListQuery) -> (String, Vec<Bind>) {
    let builder = builder(kind, query);
    let (table, condition) = (table_name(&kind.name), builder.condition());
    let count = format!("SELECT count(*) FROM {table} WHERE {condition}");
    (format!("SELECT p.lsn, p.timeline, ({count}) FROM ({POSITION_SQL}) p"), builder.binds)
}

fn builder<'a>(kind: &'a ResourceType, query: &ListQuery) -> Builder<'a> {
    let mut builder = Builder { kind, terms: Vec::new(), binds: Vec::new() };
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
    if let Some(after) = &query.after {
        builder.after(&query.order, query.key_descending, after);
    }
    builder
}

struct Builder<'a> {
    kind: &'a ResourceType,
    terms: Vec<String>,
    binds: Vec<Bind>,
}

impl<'a> Builder<'a> {
    /// All children of one parent are one range of the primary key. With a filter or an order the
    /// indexes that begin with `parent` serve better.
    fn parent(&mut self, query: &ListQuery) {
        let parents = Parents::new(query.parent.as_deref());
        let by_key = query.filter.is_empty() && query.order.is_empty();
        match &parents {
            Parents::One(parent) if !by_key => self.term("parent = $", vec![Bind::text(*parent)]),
            _ => self.prefix(&parents, if by_key { "key" } else { "parent" }),
        }
        if let Some(pattern) = parents.pattern("%", filter::escaped) {
            self.term("parent LIKE $", vec![Bind::text(pattern)]);
        }
    }

    /// Rows of others are not there; the filter, the order and the page cannot tell.
    fn owner(&mut self, query: &ListQuery) {
        if let (Some(column), Sight::Own(subject)) = (self.kind.owner_column(), &query.sight) {
            self.term(&format!("{} = $", column_name(column)), vec![Bind::text(subject.as_ref())]);
        }
    }

    fn prefix(&mut self, parents: &Parents<'_>, column: &str) {
        let first = parents.prefix();
        if let Some(stem) = first.strip_suffix('/') {
            // `0` is the character after `/`.
            let beyond = format!("{stem}0");
            let text = format!("{column} > $ AND {column} < $");
            self.term(&text, vec![Bind::text(first.as_str()), Bind::text(beyond)]);
        }
    }

    fn term(&mut self, text: &str, binds: Vec<Bind>) {
        self.terms.push(text.to_owned());
        self.binds.extend(binds);
    }

    /// `(a > $) OR (a = $ AND b > $) OR (a = $ AND b = $ AND key > $)`
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
                    terms.push(if key_descending { "key < $" } else { "key > $" }.to_owned());
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
        let column = self.column(first.column);
        if *value == Scalar::Null || (first.descending && !column.is_never_null()) {
            return;
        }
        let operator = if first.descending { "<=" } else { ">=" };
        let value = self.value(column, value);
        self.terms.push(format!("{} {operator} {value}", column_name(column)));
    }

    fn equal(&mut self, column: usize, value: &Scalar) -> String {
        let column = self.column(column);
        if *value == Scalar::Null {
            return format!("{} IS NULL", column_name(column));
        }
        format!("{} = {}", column_name(column), self.value(column, value))
    }

    fn beyond(&mut self, order: OrderBy, value: &Scalar) -> String {
        let column = self.column(order.column);
        let name = column_name(column);
        match (value, order.descending) {
            (Scalar::Null, false) => format!("{name} IS NOT NULL"),
            (Scalar::Null, true) => "FALSE".to_owned(),
            (_, true) => format!("({name} < {} OR {name} IS NULL)", self.value(column, value)),
            (_, false) => format!("{name} > {}", self.value(column, value)),
        }
    }

    fn column(&self, at: usize) -> &'a Column {
        &self.kind.columns[at]
    }

    /// Binds the value; the text that stands for it.
    fn value(&mut self, column: &Column, value: &Scalar) -> &'static str {
        self.binds.push(Bind::scalar(value));
        if column.kind == ColumnKind::Unsigned { "$::numeric" } else { "$" }
    }

    fn condition(&self) -> String {
        if self.terms.is_empty() { "TRUE".to_owned() } else { self.terms.join(" AND ") }
    }

    fn finish(mut self, query: &ListQuery) -> ListSql {
        let order = |alias: &str| -> String {
            let columns = query.order.iter().map(|order| {
                let direction = if order.descending { "DESC NULLS LAST" } else { "ASC NULLS FIRST" };
                format!("{alias}{} {direction}, ", column_name(self.column(order.column)))
            });
            columns.collect::<String>() + alias + if query.key_descending { "key DESC" } else { "key" }
        };
        let condition = self.condition();
        // The outer ORDER BY says what the join keeps anyway; of one page it costs nothing.
        let text = format!(
            "SELECT {PLACED_COLUMNS} \
             FROM ({POSITION_SQL}) p LEFT JOIN LATERAL (\
             SELECT * FROM {} WHERE {condition} ORDER BY {} LIMIT $) t ON TRUE ORDER BY {}",
            table_name(&self.kind.name),
            order(""),
            order("t."),
        );
        self.binds.push(Bind::Integer(i64::from(query.limit)));
        let cached = query.filter.conjuncts().len() <= 1 && query.order.len() <= 1;
        ListSql { text, binds: self.binds, cached }
    }
}
