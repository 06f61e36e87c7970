//! A typed filter → SQL conditions.
//!
//! A promoted column is compared as it is, so that an index serves. All else is looked up in the
//! document, by paths that travel as values: SQL holds no name of a client's. What a schema-typed
//! document should not hold (SQL may have written it) compares as absent and fails no statement.
//! Null is false: NOT is written `IS NOT TRUE`.

use super::fragment::Fragment;
use super::statement::Bind;
use super::table::column_name;
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
        Target::Document(steps) => return within("doc", steps, &test.check, 1),
        Target::Column(at) => column_name(&kind.columns[*at]),
        Target::Key => "key".to_owned(),
        Target::CreateTime => "create_time".to_owned(),
        Target::UpdateTime => "update_time".to_owned(),
        Target::DeleteTime => "delete_time".to_owned(),
        Target::PurgeTime => "purge_time".to_owned(),
    };
    let column = Fragment::new(column);
    match &test.check {
        Check::Present(_) => Fragment::of("{} IS NOT NULL", &[&column]),
        Check::Compare { kind, operator, value, .. } => compared(&column, *operator, value, *kind),
        Check::Matches { pattern, negated, .. } => matches(&column, pattern, *negated),
        // No column holds a duration.
        Check::Duration { .. } => Fragment::new("FALSE"),
    }
}

/// The check on what `steps` lead to from `base`; a list is entered by asking whether one element passes.
fn within(base: &str, steps: &[Step], check: &Check, level: usize) -> Fragment {
    let Some(list) = steps.iter().position(|step| *step == Step::Each) else {
        return Value { base, path: names(steps) }.check(check);
    };
    let value = Value { base, path: names(&steps[..list]) }.json();
    let element = format!("e{level}");
    let inner = within(&format!("{element}.value"), &steps[list + 1..], check, level + 1);
    let template = format!(
        "EXISTS (SELECT 1 FROM jsonb_array_elements(CASE jsonb_typeof({{}}) WHEN 'array' THEN {{}} END) \
         AS {element}(value) WHERE {{}})"
    );
    Fragment::of(&template, &[&value, &value, &inner])
}

fn names(steps: &[Step]) -> Vec<String> {
    let name = |step: &Step| match step {
        Step::Field(name) | Step::Key(name) => Some(name.clone()),
        Step::Each => None,
    };
    steps.iter().filter_map(name).collect()
}

/// A place in a document.
struct Value<'a> {
    base: &'a str,
    path: Vec<String>,
}

impl Value<'_> {
    fn at(&self, operator: &str, path: &[String]) -> Fragment {
        Fragment { text: format!("({} {operator} $)", self.base), binds: vec![Bind::Texts(path.to_vec())] }
    }

    fn json(&self) -> Fragment {
        self.at("#>", &self.path)
    }

    /// Null also where JSON says null.
    fn text(&self) -> Fragment {
        self.at("#>>", &self.path)
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
        let nothing = match container {
            Container::Value => "{} <> 'null'::jsonb",
            Container::List => "{} NOT IN ('null'::jsonb, '[]'::jsonb)",
            Container::Map => "{} NOT IN ('null'::jsonb, '{ }'::jsonb)",
        };
        Fragment::of(nothing, &[&self.json()])
    }

    /// The value as its kind compares; null where it is none.
    fn typed(&self, kind: ColumnKind) -> Fragment {
        let text = self.text();
        match kind {
            ColumnKind::Text => Fragment::of("{} COLLATE \"C\"", &[&text]),
            ColumnKind::Boolean => {
                Fragment::of("CASE {} WHEN 'true' THEN TRUE WHEN 'false' THEN FALSE END", &[&text])
            }
            ColumnKind::Integer | ColumnKind::Unsigned => {
                Fragment::of("CASE WHEN {} SIMILAR TO '-?[0-9]+' THEN {}::numeric END", &[&text, &text])
            }
            ColumnKind::Real => Fragment::of(
                "CASE WHEN jsonb_typeof({}) = 'number' OR {} IN ('Infinity', '-Infinity') THEN {}::float8 END",
                &[&self.json(), &text, &text],
            ),
            // The stored fraction has 0, 3, 6 or 9 digits; compared are always 9.
            ColumnKind::Timestamp => Fragment::of(
                "(left({}, 19) || '.' || rpad(substr(rtrim({}, 'Z'), 21), 9, '0') || 'Z') COLLATE \"C\"",
                &[&text, &text],
            ),
        }
    }

    fn duration(&self, operator: Operator, seconds: i64, nanos: i32) -> Fragment {
        let text = self.text();
        let sign = if seconds < 0 || nanos < 0 { "-" } else { "" };
        let value = format!("{sign}{}.{:09}", seconds.unsigned_abs(), nanos.unsigned_abs());
        let template = format!(
            "CASE WHEN {{}} SIMILAR TO '-?[0-9]+(.[0-9]+)?s' THEN rtrim({{}}, 's')::numeric END {} {{}}::numeric",
            sign_of(operator)
        );
        Fragment::of(&template, &[&text, &text, &Fragment::bind(Bind::text(value))])
    }

    /// Where the default passes, an absent field does; through an absent message nothing does.
    fn or_absent(&self, check: Fragment, absent_holds: bool) -> Fragment {
        let Some((_, parent)) = self.path.split_last().filter(|_| absent_holds) else { return check };
        if parent.is_empty() {
            return Fragment::of("({} OR {} IS NULL)", &[&check, &self.text()]);
        }
        let parent = self.at("#>", parent);
        Fragment::of("({} OR ({} IS NULL AND jsonb_typeof({}) = 'object'))", &[&check, &self.text(), &parent])
    }
}

fn compared(value: &Fragment, operator: Operator, with: &Scalar, kind: ColumnKind) -> Fragment {
    let cast = if kind == ColumnKind::Unsigned { "::numeric" } else { "" };
    let template = format!("{{}} {} {{}}{cast}", sign_of(operator));
    Fragment::of(&template, &[value, &Fragment::bind(Bind::scalar(with))])
}

/// A prefix is a range, which an index serves.
fn matches(value: &Fragment, pattern: &Pattern, negated: bool) -> Fragment {
    if let Some((first, beyond)) = pattern.range().filter(|_| !negated) {
        let (first, beyond) = (Fragment::bind(Bind::text(first)), Fragment::bind(Bind::text(beyond)));
        return Fragment::of("({} >= {} AND {} < {})", &[value, &first, value, &beyond]);
    }
    let end = |open| if open { "%" } else { "" };
    let text = format!("{}{}{}", end(pattern.open_start), escaped(&pattern.text), end(pattern.open_end));
    let template = if negated { "{} NOT LIKE {}" } else { "{} LIKE {}" };
    Fragment::of(template, &[value, &Fragment::bind(Bind::text(text))])
}

/// A text that LIKE takes for itself.
pub(super) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if matches!(character, '%' | '_' | '\\') {
            escaped.push('\\');
        }
        escaped.push(character);
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
