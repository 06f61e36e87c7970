//! A typed filter → SQL conditions.
//!
//! A promoted column is compared as it is, so that an index serves. All else is looked up in the
//! document, by paths that travel as values: SQL holds no name of a client's. What a schema-typed
//! document should not hold (SQL may have written it) compares as absent or as unequal and fails no
//! statement. Null is false: NOT is written `IS NOT TRUE`.

use super::fragment::Fragment;
use super::statement::Bind;
use super::table::{column_name, literal};
use crate::query::filter::{Check, Container, Filter, Pattern, Step, Target, Test};
use crate::query::{Operator, Scalar};
use crate::schema::{ColumnKind, ResourceType};

/// The conditions that must all hold.
pub(super) fn conditions(kind: &ResourceType, filter: &Filter) -> Vec<Fragment> {
    filter.conjuncts().into_iter().map(|part| condition(kind, part)).collect()
}

fn condition(kind: &ResourceType, filter: &Filter) -> Fragment {
    let each = |items: &[Filter]| items.iter().map(|item| condition(kind, item)).collect::<Vec<_>>();
    match filter {
        Filter::All(items) if items.is_empty() => Fragment::new("TRUE"),
        Filter::Any(items) if items.is_empty() => Fragment::new("FALSE"),
        Filter::All(items) => Fragment::joined(&each(items), " AND "),
        Filter::Any(items) => Fragment::joined(&each(items), " OR "),
        Filter::Not(inner) => Fragment::of("({}) IS NOT TRUE", &[&condition(kind, inner)]),
        Filter::Test(test) => of_test(kind, test),
    }
}

fn of_test(kind: &ResourceType, test: &Test) -> Fragment {
    let column = match &test.target {
        Target::Document(steps) => return within(Base::Document, steps, &test.check),
        Target::Column(at) => return of_column(kind, *at, &test.check),
        Target::Key => "key".to_owned(),
        Target::CreateTime => "create_time".to_owned(),
        Target::UpdateTime => "update_time".to_owned(),
        Target::DeleteTime => "delete_time".to_owned(),
        Target::PurgeTime => "purge_time".to_owned(),
    };
    of_value(&Fragment::new(column), &test.check)
}

/// A unique index leaves out the rows that hold the default. SQLite uses it for what says so in its words alone,
/// and reads the table from end to end otherwise.
fn of_column(kind: &ResourceType, at: usize, check: &Check) -> Fragment {
    let column = &kind.columns[at];
    let name = Fragment::new(column_name(column));
    let found = of_value(&name, check);
    let Check::Compare { operator: Operator::Equal, value, .. } = check else { return found };
    let is_unique = kind.indexes.iter().any(|index| index.unique && index.columns.contains(&at));
    if !is_unique || !column.implicit_default || *value == kind.default_of(column) {
        return found;
    }
    let is_set = format!("{{}} <> {}", literal(&kind.default_of(column)));
    Fragment::joined(&[found, Fragment::of(&is_set, &[&name])], " AND ")
}

fn of_value(column: &Fragment, check: &Check) -> Fragment {
    match check {
        Check::Present(_) => Fragment::of("{} IS NOT NULL", &[column]),
        Check::Compare { kind, operator, value, .. } => compared(column, *operator, value, *kind),
        Check::Matches { pattern, negated, .. } => matches(column, pattern, *negated),
        // No column holds a duration.
        Check::Duration { .. } => Fragment::new("FALSE"),
    }
}

/// What paths begin at.
#[derive(Clone, Copy)]
enum Base {
    Document,
    /// An element of a list or map, by its level.
    Element(usize),
}

/// The check on what `steps` lead to from `base`; a list is entered by asking whether one element passes.
fn within(base: Base, steps: &[Step], check: &Check) -> Fragment {
    let Some(split) = steps.iter().position(is_entered) else {
        return Value { base, steps }.check(check);
    };
    let level = match base {
        Base::Document => 1,
        Base::Element(level) => level + 1,
    };
    let elements = Value { base, steps: &steps[..split] }.elements(level);
    let inner = within(Base::Element(level), &steps[split + 1..], check);
    match &steps[split] {
        Step::Key(key) => {
            let template = format!("EXISTS (SELECT 1 FROM {{}} WHERE e{level}.key = {{}} AND {{}})");
            Fragment::of(&template, &[&elements, &Fragment::bind(Bind::text(key)), &inner])
        }
        _ => Fragment::of("EXISTS (SELECT 1 FROM {} WHERE {})", &[&elements, &inner]),
    }
}

/// Lists, and keys that SQLite's paths cannot spell: those have no escapes.
fn is_entered(step: &Step) -> bool {
    match step {
        Step::Field(_) => false,
        Step::Each => true,
        Step::Key(key) => key.is_empty() || key.contains(['"', '\\']) || key.contains(char::is_control),
    }
}

/// A place in a document or in an element.
struct Value<'a> {
    base: Base,
    steps: &'a [Step],
}

impl Value<'_> {
    /// `json_extract(doc, ?)`; without steps the element itself.
    fn at(&self, function: &str, steps: &[Step]) -> Fragment {
        let base = match self.base {
            Base::Document => "doc".to_owned(),
            // Of anything but an object there are no members.
            Base::Element(level) => format!("CASE e{level}.type WHEN 'object' THEN e{level}.value END"),
        };
        let path = Fragment::bind(Bind::text(path(steps)));
        Fragment::of(&format!("{function}({base}, {{}})"), &[&path])
    }

    fn value(&self) -> Fragment {
        match self.base {
            Base::Element(level) if self.steps.is_empty() => Fragment::new(format!("e{level}.value")),
            _ => self.at("json_extract", self.steps),
        }
    }

    fn json_type(&self) -> Fragment {
        match self.base {
            Base::Element(level) if self.steps.is_empty() => Fragment::new(format!("e{level}.type")),
            _ => self.at("json_type", self.steps),
        }
    }

    fn elements(&self, level: usize) -> Fragment {
        let elements = match self.base {
            Base::Element(outer) if self.steps.is_empty() => Fragment::new(format!(
                "json_each(CASE WHEN e{outer}.type IN ('object', 'array') THEN e{outer}.value END)"
            )),
            _ => self.at("json_each", self.steps),
        };
        Fragment::of(&format!("{{}} AS e{level}"), &[&elements])
    }

    fn check(&self, check: &Check) -> Fragment {
        match check {
            Check::Present(container) => self.present(*container),
            Check::Compare { kind, operator, value, absent_holds } => {
                let compared = compared(&self.typed(*kind), *operator, value, *kind);
                self.or_absent(compared, *absent_holds)
            }
            Check::Matches { pattern, negated, absent_holds } => {
                self.or_absent(matches(&self.typed(ColumnKind::Text), pattern, *negated), *absent_holds)
            }
            Check::Duration { operator, seconds, nanos } => self.duration(*operator, *seconds, *nanos),
        }
    }

    fn present(&self, container: Container) -> Fragment {
        match container {
            Container::Value => Fragment::of("{} <> 'null'", &[&self.json_type()]),
            Container::List => Fragment::of("json_array_length({}) > 0", &[&self.object("array")]),
            // `{}` is two bytes.
            Container::Map => Fragment::of("length({}) > 2", &[&self.object("object")]),
        }
    }

    /// The JSON text of an array or object; null for anything else.
    fn object(&self, json_type: &str) -> Fragment {
        let template = format!("CASE {{}} WHEN '{json_type}' THEN {{}} END");
        Fragment::of(&template, &[&self.json_type(), &self.value()])
    }

    /// The value as its kind compares; null where it is none.
    fn typed(&self, kind: ColumnKind) -> Fragment {
        let value = self.value();
        match kind {
            ColumnKind::Text => value,
            ColumnKind::Boolean => {
                Fragment::of("CASE {} WHEN 'true' THEN 1 WHEN 'false' THEN 0 END", &[&self.json_type()])
            }
            ColumnKind::Integer => Fragment::of("CAST({} AS INTEGER)", &[&value]),
            // Fixed width, as the literal has it.
            ColumnKind::Unsigned => Fragment::of("substr('00000000000000000000' || {}, -20)", &[&value]),
            ColumnKind::Real => Fragment::of(
                "CASE {} WHEN 'Infinity' THEN 9e999 WHEN '-Infinity' THEN -9e999 WHEN 'NaN' THEN NULL ELSE {} END",
                &[&value, &value],
            ),
            // The stored fraction has 0, 3, 6 or 9 digits; compared are always 9.
            ColumnKind::Timestamp => Fragment::of(
                "substr({}, 1, 19) || '.' || substr(substr(rtrim({}, 'Z'), 21) || '000000000', 1, 9) || 'Z'",
                &[&value, &value],
            ),
        }
    }

    /// Seconds and nanoseconds as a pair: together they exceed 64 bits.
    fn duration(&self, operator: Operator, seconds: i64, nanos: i32) -> Fragment {
        let value = self.value();
        let fraction = Fragment::of(
            "CAST(substr(CASE instr({}, '.') WHEN 0 THEN '' ELSE substr(rtrim({}, 's'), instr({}, '.') + 1) END \
             || '000000000', 1, 9) AS INTEGER)",
            &[&value, &value, &value],
        );
        let nanoseconds = Fragment::of(
            "CASE substr({}, 1, 1) WHEN '-' THEN -{} ELSE {} END",
            &[&value, &fraction, &fraction],
        );
        let template = format!("(CAST({{}} AS INTEGER), {{}}) {} ({{}}, {{}})", sign_of(operator));
        let (seconds, nanos) = (Bind::integer(seconds), Bind::integer(nanos.into()));
        Fragment::of(&template, &[&value, &nanoseconds, &Fragment::bind(seconds), &Fragment::bind(nanos)])
    }

    /// Where the default passes, an absent field does; through an absent message nothing does.
    fn or_absent(&self, check: Fragment, absent_holds: bool) -> Fragment {
        let Some((_, parent)) = self.steps.split_last().filter(|_| absent_holds) else { return check };
        if parent.is_empty() {
            return Fragment::of("({} OR {} IS NULL)", &[&check, &self.value()]);
        }
        let parent = self.at("json_type", parent);
        Fragment::of("({} OR ({} IS NULL AND {} = 'object'))", &[&check, &self.value(), &parent])
    }
}

/// `$."author"."city"`
fn path(steps: &[Step]) -> String {
    let mut path = "$".to_owned();
    for step in steps {
        if let Step::Field(name) | Step::Key(name) = step {
            path.push_str(".\"");
            path.push_str(name);
            path.push('"');
        }
    }
    path
}

fn compared(value: &Fragment, operator: Operator, with: &Scalar, kind: ColumnKind) -> Fragment {
    let template = format!("{{}} {} {{}}", sign_of(operator));
    Fragment::of(&template, &[value, &Fragment::bind(Bind::scalar(kind, with))])
}

/// A prefix is a range, which an index serves. (LIKE would take upper case for lower.)
fn matches(value: &Fragment, pattern: &Pattern, negated: bool) -> Fragment {
    if let Some((first, beyond)) = pattern.range().filter(|_| !negated) {
        let (first, beyond) = (Fragment::bind(Bind::text(first)), Fragment::bind(Bind::text(beyond)));
        return Fragment::of("({} >= {} AND {} < {})", &[value, &first, value, &beyond]);
    }
    let end = |open| if open { "*" } else { "" };
    let text = format!("{}{}{}", end(pattern.open_start), escaped(&pattern.text), end(pattern.open_end));
    let template = if negated { "{} NOT GLOB {}" } else { "{} GLOB {}" };
    Fragment::of(template, &[value, &Fragment::bind(Bind::text(text))])
}

/// A text that GLOB takes for itself.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '*' | '?' | '[' => {
                escaped.push('[');
                escaped.push(character);
                escaped.push(']');
            }
            other => escaped.push(other),
        }
    }
    escaped
}

fn sign_of(operator: Operator) -> &'static str {
    match operator {
        Operator::Equal => "=",
        Operator::NotEqual => "<>",
        Operator::Less => "<",
        Operator::LessOrEqual => "<=",
        Operator::Greater => ">",
        Operator::GreaterOrEqual => ">=",
    }
}
