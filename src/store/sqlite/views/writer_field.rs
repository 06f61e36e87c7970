//! One column of a view in the triggers that write through it: checked, and into the document it goes.

use super::definition::quoted;
use super::writer::abort;
use crate::schema::view::{ViewField, ViewValue};
use crate::schema::{Column, ColumnSource, ResourceType};

const SECOND: &str = "[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9][T ][0-9][0-9]:[0-9][0-9]:[0-9][0-9]*";
/// Longer texts would take more than a millisecond.
const UTF8_CHECK_BYTES_MAX: usize = 4096;
const REAL_MAX: &str = "3.4028234663852886e38";

pub(super) struct Field<'a> {
    pub kind: &'a ResourceType,
    /// Quoted.
    pub name: String,
    pub label: &'a str,
    pub field: &'a ViewField<'a>,
}

impl Field<'_> {
    fn new_value(&self) -> String {
        format!("NEW.{}", self.name)
    }

    pub fn changed(&self) -> String {
        format!("NEW.{name} IS NOT OLD.{name}", name = self.name)
    }

    /// Not NULL, and not the value that absence means.
    fn is_given(&self) -> String {
        let value = self.new_value();
        let default = self.field.implicit.then(|| self.default_values()).flatten();
        match default {
            Some(default) => format!("({value} IS NOT NULL AND {value} NOT IN ({default}))"),
            None => format!("{value} IS NOT NULL"),
        }
    }

    pub fn is_set(&self, inserts: bool) -> String {
        if inserts { self.is_given() } else { format!("({} AND {})", self.changed(), self.is_given()) }
    }

    pub fn is_rival_of(&self, other: &Field<'_>) -> bool {
        let (own, others) = (self.field.shape, other.field.shape);
        own.oneof.is_some() && own.oneof == others.oneof && own.json_name != others.json_name
    }

    /// Whether setting this field clears the one that the column is of.
    pub fn clears(&self, column: &Column) -> bool {
        let ColumnSource::Field { json_name } = &column.source else { return false };
        self.kind.rivals_of(self.field.shape).any(|rival| rival.json_name == *json_name)
    }

    pub fn checks(&self, inserts: bool) -> Vec<String> {
        let mut steps = Vec::new();
        let behavior = self.field.shape.behavior;
        if behavior.immutable && !inserts {
            steps.push(abort(&format!("{} is IMMUTABLE", self.label), &self.changed()));
        }
        let wrong = format!("{} AND NOT coalesce({}, 0)", self.is_set(inserts), self.valid());
        steps.push(abort(&format!("{} must be {}", self.label, self.expected()), &wrong));
        let when = if inserts { String::new() } else { format!("{} AND ", self.changed()) };
        if self.kind.is_owner(self.field.shape) {
            // An empty one too: nobody but admins would see the row.
            let empty = format!("{when}coalesce({}, '') = ''", self.new_value());
            steps.push(abort(&format!("{} is the owner, and required", self.label), &empty));
        }
        if self.field.shape.is_required() {
            steps.push(abort(
                &format!("{} is required", self.label),
                &format!("{when}NOT {}", self.is_given()),
            ));
        }
        steps
    }

    /// `,"legs":4`, or nothing.
    pub fn member_of_insert(&self) -> String {
        format!("CASE WHEN {} THEN {} || {} ELSE '' END", self.is_given(), self.key(), self.json())
    }

    /// `,"legs":4`, `,"legs":null` for what is cleared, or nothing. A member of a oneof clears the others.
    pub fn member_of_update(&self) -> String {
        let rivals: String = self
            .kind
            .rivals_of(self.field.shape)
            .map(|rival| format!(" || {}", quoted(&format!(",{}:null", json_text(&rival.json_name)))))
            .collect();
        format!(
            "CASE WHEN {set} THEN {key} || {json}{rivals} WHEN {changed} THEN {key} || 'null' ELSE '' END",
            set = self.is_set(false),
            changed = self.changed(),
            key = self.key(),
            json = self.json(),
        )
    }

    fn key(&self) -> String {
        quoted(&format!(",{}:", json_text(&self.field.shape.json_name)))
    }

    fn default_values(&self) -> Option<String> {
        Some(match &self.field.value {
            ViewValue::Boolean | ViewValue::Integer { .. } | ViewValue::Real { .. } => "0".to_owned(),
            ViewValue::Unsigned { .. } => "0, '0', '00000000000000000000'".to_owned(),
            ViewValue::Text | ViewValue::Bytes => "''".to_owned(),
            ViewValue::Enum(shape) => {
                let names = shape.values.iter().filter(|(_, number)| *number == shape.default_number());
                names.map(|(name, _)| quoted(name)).collect::<Vec<_>>().join(", ")
            }
            _ => return None,
        })
    }

    fn valid(&self) -> String {
        let value = self.new_value();
        let longest = self.field.column.map(|at| self.kind.promoted_bytes_max(at));
        let short =
            longest.map_or(String::new(), |max| format!(" AND length(CAST({value} AS BLOB)) <= {max}"));
        let text = format!("typeof({value}) = 'text' AND instr(CAST({value} AS BLOB), x'00') = 0{short}");
        match &self.field.value {
            ViewValue::Boolean => format!("typeof({value}) = 'integer' AND {value} IN (0, 1)"),
            ViewValue::Integer { min, max, .. } => {
                // The least integer is no literal.
                let from = if *min == i128::from(i64::MIN) {
                    String::new()
                } else {
                    format!(" AND {value} >= {min}")
                };
                format!("typeof({value}) = 'integer'{from} AND {value} <= {max}")
            }
            ViewValue::Unsigned { max, .. } => format!(
                "typeof({value}) IN ('integer', 'text') AND length({value}) BETWEEN 1 AND 20 \
                 AND {value} NOT GLOB '*[^0-9]*' AND {} <= '{max:020}'",
                self.twenty_digits()
            ),
            ViewValue::Real { single } => {
                let infinite = if self.field.shape.is_message() { "" } else { " OR abs({value}) = 9e999" };
                let infinite = infinite.replace("{value}", &value);
                let max = if *single { REAL_MAX } else { "1.7976931348623157e308" };
                format!("typeof({value}) IN ('integer', 'real') AND (abs({value}) <= {max}{infinite})")
            }
            ViewValue::Enum(shape) => {
                let names: Vec<String> = shape.values.iter().map(|(name, _)| quoted(name)).collect();
                format!("{value} IN ({})", names.join(", "))
            }
            ViewValue::Timestamp => {
                let (base, fraction) = (self.time_base(), self.time_fraction());
                // Only what is reckoned with is put right, so that 30 February comes back as another day.
                format!(
                    "typeof({value}) = 'text' AND {value} GLOB '{SECOND}' AND {base} >= '0001' \
                     AND strftime('%Y-%m-%dT%H:%M:%S', {base}, '+0 days') = {base} \
                     AND length({value}) - length(rtrim({value}, 'Z')) <= 1 \
                     AND ({fraction} = '' OR {fraction} GLOB '.[0-9]*' AND length({fraction}) <= 10 \
                     AND substr({fraction}, 2) NOT GLOB '*[^0-9]*')"
                )
            }
            ViewValue::Bytes => format!(
                "{text} AND rtrim({value}, '=') NOT GLOB '*[^A-Za-z0-9+/_-]*' AND length(rtrim({value}, '=')) % 4 <> 1"
            ),
            _ => format!("{text} AND {}", is_utf8(&value)),
        }
    }

    fn expected(&self) -> String {
        match &self.field.value {
            ViewValue::Boolean => "0 or 1".to_owned(),
            ViewValue::Integer { min, max, .. } => format!("a whole number from {min} to {max}"),
            ViewValue::Unsigned { max, .. } => format!("a whole number from 0 to {max}"),
            ViewValue::Real { .. } => "a number in range".to_owned(),
            ViewValue::Enum(shape) => {
                let names: Vec<&str> = shape.values.iter().map(|(name, _)| name.as_str()).collect();
                format!("one of {}", names.join(", "))
            }
            ViewValue::Timestamp => "a UTC time of the years 1 to 9999, as 2026-11-21T09:14:00Z".to_owned(),
            ViewValue::Bytes => "text in base64, and short enough for its index".to_owned(),
            _ => "text without NUL, in UTF-8, and short enough for its index".to_owned(),
        }
    }

    /// The value in canonical proto3 JSON, as text.
    fn json(&self) -> String {
        let value = self.new_value();
        match &self.field.value {
            ViewValue::Boolean => format!("CASE {value} WHEN 0 THEN 'false' ELSE 'true' END"),
            ViewValue::Integer { quoted: true, .. } => format!("'\"' || {value} || '\"'"),
            ViewValue::Integer { .. } => format!("CAST({value} AS TEXT)"),
            ViewValue::Unsigned { quoted, .. } => {
                let digits = format!("coalesce(nullif(ltrim({value}, '0'), ''), '0')");
                if *quoted { format!("'\"' || {digits} || '\"'") } else { digits }
            }
            ViewValue::Real { .. } => real(&value),
            ViewValue::Enum(_) => format!("json_quote({})", self.enum_name()),
            ViewValue::Timestamp => {
                let nine = self.time_nine();
                format!(
                    "'\"' || {base} || CASE WHEN {nine} = '000000000' THEN '' \
                     WHEN substr({nine}, 4) = '000000' THEN '.' || substr({nine}, 1, 3) \
                     WHEN substr({nine}, 7) = '000' THEN '.' || substr({nine}, 1, 6) ELSE '.' || {nine} END || 'Z\"'",
                    base = self.time_base()
                )
            }
            ViewValue::Bytes => format!("json_quote({})", self.base64()),
            _ => format!("json_quote({value})"),
        }
    }

    /// The value as its promoted column keeps it.
    pub fn promoted(&self, default: &str) -> String {
        let stored = match &self.field.value {
            ViewValue::Unsigned { .. } => self.twenty_digits(),
            ViewValue::Real { .. } => format!("CAST({} AS REAL)", self.new_value()),
            ViewValue::Enum(_) => self.enum_name(),
            ViewValue::Timestamp => format!("{} || '.' || {} || 'Z'", self.time_base(), self.time_nine()),
            ViewValue::Bytes => self.base64(),
            _ => self.new_value(),
        };
        format!("CASE WHEN {} THEN {stored} ELSE {default} END", self.is_given())
    }

    fn twenty_digits(&self) -> String {
        format!("substr('00000000000000000000' || {}, -20)", self.new_value())
    }

    /// The name that is written, of several for one number.
    fn enum_name(&self) -> String {
        let value = self.new_value();
        let ViewValue::Enum(shape) = &self.field.value else { return value };
        let aliases = shape.values.iter().filter_map(|(name, number)| {
            let written = shape.name_of(*number).filter(|written| written != name)?;
            Some(format!("WHEN {} THEN {} ", quoted(name), quoted(written)))
        });
        let aliases: String = aliases.collect();
        if aliases.is_empty() { value } else { format!("CASE {value} {aliases}ELSE {value} END") }
    }

    fn base64(&self) -> String {
        let digits = format!("replace(replace(rtrim({}, '='), '-', '+'), '_', '/')", self.new_value());
        format!("substr({digits} || '===', 1, (length({digits}) + 3) / 4 * 4)")
    }

    fn time_base(&self) -> String {
        format!("replace(substr({}, 1, 19), ' ', 'T')", self.new_value())
    }

    /// `.123`, or nothing.
    fn time_fraction(&self) -> String {
        format!("rtrim(substr({}, 20), 'Z')", self.new_value())
    }

    fn time_nine(&self) -> String {
        format!("substr(substr({}, 2) || '000000000', 1, 9)", self.time_fraction())
    }
}

/// SQLite takes any bytes for a text. A character that is none is written otherwise than it was read; the look is
/// at one after the other, so a long text is left to those who read it.
fn is_utf8(value: &str) -> String {
    // CASE, because SQLite computes both sides of an OR: the look would be at long texts too.
    format!(
        "CASE WHEN {value} NOT GLOB '*[^ -~]*' OR length(CAST({value} AS BLOB)) > {UTF8_CHECK_BYTES_MAX} THEN 1 \
         ELSE NOT EXISTS (WITH RECURSIVE each(one, rest) AS (SELECT substr({value}, 1, 1), substr({value}, 2) \
         UNION ALL SELECT substr(rest, 1, 1), substr(rest, 2) FROM each WHERE rest <> '') \
         SELECT 1 FROM each WHERE CAST(one AS BLOB) <> CAST(char(unicode(one)) AS BLOB)) END"
    )
}

/// The shortest of three texts that reads back as the same number; a whole one without a fraction.
fn real(value: &str) -> String {
    format!(
        "CASE WHEN {value} = 9e999 THEN '\"Infinity\"' WHEN {value} = -9e999 THEN '\"-Infinity\"' \
         WHEN abs({value}) < 9007199254740992 AND {value} = CAST({value} AS INTEGER) \
         THEN CAST(CAST({value} AS INTEGER) AS TEXT) \
         WHEN CAST(printf('%!.15g', {value}) AS REAL) = {value} THEN printf('%!.15g', {value}) \
         WHEN CAST(printf('%!.16g', {value}) AS REAL) = {value} THEN printf('%!.16g', {value}) \
         ELSE printf('%!.17g', {value}) END"
    )
}

fn json_text(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
