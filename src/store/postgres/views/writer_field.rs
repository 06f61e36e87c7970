//! One column of a view in the function that writes through it: checked, and into the document it goes.

use super::definition::quoted;
use crate::schema::shape::FieldShape;
use crate::schema::view::{Content, ViewColumn, ViewField, ViewValue, Writing, writing};
use crate::schema::{ColumnKind, ColumnSource, ResourceType};
use crate::store::postgres::table::{bounded, identifier, literal};

const REAL_MAX: &str = "3.4028234663852886e38";

/// What happens where the column's new value is another than the old one.
pub(super) fn field_block(kind: &ResourceType, column: &ViewColumn<'_>) -> String {
    let name = identifier(&bounded(&column.name));
    let changed = format!("NEW.{name} IS DISTINCT FROM OLD.{name}");
    match (writing(kind, column), &column.content) {
        (Writing::Name, _) => format!(
            "    IF TG_OP = 'UPDATE' AND {changed} THEN
        RAISE EXCEPTION 'a resource keeps its name' USING ERRCODE = 'feature_not_supported';
    END IF;\n"
        ),
        (Writing::Refused(reason), _) => refused(&column.name, &changed, reason),
        (Writing::Needed(reason), _) => {
            let always = format!(
                "    IF TG_OP = 'INSERT' THEN
        RAISE EXCEPTION '{} {reason}' USING ERRCODE = 'feature_not_supported';
    END IF;\n",
                escaped(&column.name)
            );
            always + &refused(&column.name, &changed, reason)
        }
        (Writing::Free, Content::Field(field)) => writable(kind, column, field, &name, &changed),
        (Writing::Free, _) => String::new(),
    }
}

fn refused(column: &str, changed: &str, reason: &str) -> String {
    format!(
        "    IF {changed} THEN
        RAISE EXCEPTION '{} {reason}' USING ERRCODE = 'feature_not_supported';
    END IF;\n",
        escaped(column)
    )
}

/// Within a RAISE's format.
fn escaped(text: &str) -> String {
    text.replace('%', "%%").replace('\'', "''")
}

fn writable(
    kind: &ResourceType,
    column: &ViewColumn<'_>,
    field: &ViewField<'_>,
    name: &str,
    changed: &str,
) -> String {
    let member = quoted(&field.shape.json_name);
    let default = if field.implicit { default_of(field) } else { None };
    let is_unset = match default {
        Some(default) => format!("NEW.{name} IS NULL OR NEW.{name} IN ({default})"),
        None => format!("NEW.{name} IS NULL"),
    };
    let immutable = if field.shape.behavior.immutable {
        format!(
            "        IF TG_OP = 'UPDATE' THEN
            RAISE EXCEPTION '{} is IMMUTABLE' USING ERRCODE = 'check_violation';
        END IF;\n",
            escaped(&column.name)
        )
    } else {
        String::new()
    };
    let rivals: String =
        kind.rivals_of(field.shape).map(|rival| format!(" - {}", quoted(&rival.json_name))).collect();
    let mut text = format!(
        "    IF {changed} THEN
{immutable}        IF {is_unset} THEN
            document := document - {member};
        ELSIF NOT COALESCE({valid}, false) THEN
            RAISE EXCEPTION '{label} must be {expected}' USING ERRCODE = 'check_violation';
        ELSE
            document := (document{rivals}) || jsonb_build_object({member}, {json});
        END IF;
    END IF;\n",
        valid = valid(kind, field, name),
        label = escaped(&column.name),
        expected = escaped(&expected(field)),
        json = json(field, name),
    );
    if field.shape.is_required() {
        text += &format!(
            "    IF NOT document ? {member} AND (TG_OP = 'INSERT' OR {changed}) THEN
        RAISE EXCEPTION '{} is required' USING ERRCODE = 'not_null_violation';
    END IF;\n",
            escaped(&column.name)
        );
    }
    if kind.is_owner(field.shape) {
        // An empty one too: nobody but admins would see the row.
        text += &format!(
            "    IF COALESCE(document->>{member}, '') = '' AND (TG_OP = 'INSERT' OR {changed}) THEN
        RAISE EXCEPTION '{} is the owner, and required' USING ERRCODE = 'not_null_violation';
    END IF;\n",
            escaped(&column.name)
        );
    }
    text
}

/// The values that absence means, as a list.
fn default_of(field: &ViewField<'_>) -> Option<String> {
    Some(match &field.value {
        ViewValue::Boolean => "false".to_owned(),
        ViewValue::Integer { .. } | ViewValue::Unsigned { .. } | ViewValue::Real { .. } => "0".to_owned(),
        ViewValue::Text | ViewValue::Bytes => "''".to_owned(),
        ViewValue::Enum(shape) => {
            let default = shape.default_number();
            let names = shape.values.iter().filter(|(_, number)| *number == default);
            names.map(|(name, _)| quoted(name)).collect::<Vec<_>>().join(", ")
        }
        _ => return None,
    })
}

fn valid(kind: &ResourceType, field: &ViewField<'_>, name: &str) -> String {
    let value = format!("NEW.{name}");
    let longest = field.column.map(|at| kind.promoted_bytes_max(at));
    let length =
        |text: &str| longest.map_or("true".to_owned(), |max| format!("octet_length({text}) <= {max}"));
    match &field.value {
        ViewValue::Integer { min, max, .. } => format!("{value} BETWEEN {min} AND {max}"),
        ViewValue::Unsigned { max, .. } => format!("{value} BETWEEN 0 AND {max}"),
        ViewValue::Real { single } => {
            let finite = format!("{value} NOT IN ('Infinity', '-Infinity')");
            let wrapped = if field.shape.is_message() { format!(" AND {finite}") } else { String::new() };
            let narrow = if *single {
                format!(" AND ({value} IN ('Infinity', '-Infinity') OR abs({value}) <= {REAL_MAX})")
            } else {
                String::new()
            };
            format!("{value} <> 'NaN'{wrapped}{narrow}")
        }
        ViewValue::Enum(shape) => {
            let names: Vec<String> = shape.values.iter().map(|(name, _)| quoted(name)).collect();
            format!("{value} IN ({})", names.join(", "))
        }
        ViewValue::Timestamp => {
            format!("{value} >= '0001-01-01 00:00:00+00' AND {value} < '10000-01-01 00:00:00+00'")
        }
        ViewValue::Text => length(&value),
        ViewValue::Bytes => {
            format!("{value} ~ '^[A-Za-z0-9+/_-]*={{0,2}}$' AND {}", length(&value))
        }
        _ => "true".to_owned(),
    }
}

fn expected(field: &ViewField<'_>) -> String {
    match &field.value {
        ViewValue::Integer { min, max, .. } => format!("from {min} to {max}"),
        ViewValue::Unsigned { max, .. } => format!("from 0 to {max}"),
        ViewValue::Real { .. } => "a number in range, and not NaN".to_owned(),
        ViewValue::Enum(shape) => {
            let names: Vec<&str> = shape.values.iter().map(|(name, _)| name.as_str()).collect();
            format!("one of {}", names.join(", "))
        }
        ViewValue::Timestamp => "a time of the years 1 to 9999".to_owned(),
        ViewValue::Bytes => "standard base64, and short enough for its index".to_owned(),
        _ => "short enough for its index".to_owned(),
    }
}

/// The value in canonical proto3 JSON, as `jsonb`.
fn json(field: &ViewField<'_>, name: &str) -> String {
    let value = format!("NEW.{name}");
    match &field.value {
        ViewValue::Integer { quoted: true, .. } | ViewValue::Unsigned { quoted: true, .. } => {
            format!("to_jsonb({value}::text)")
        }
        ViewValue::Real { single } => {
            let narrow = if *single { "::real" } else { "" };
            format!(
                "CASE WHEN {value} IN ('Infinity', '-Infinity') THEN to_jsonb({value}::text) \
                 ELSE to_jsonb({value}{narrow}) END"
            )
        }
        ViewValue::Enum(shape) => {
            let aliases = shape.values.iter().filter_map(|(name, number)| {
                let written = shape.name_of(*number).filter(|written| written != name)?;
                Some(format!("WHEN {} THEN {} ", quoted(name), quoted(written)))
            });
            let aliases: String = aliases.collect();
            if aliases.is_empty() {
                format!("to_jsonb({value}::text)")
            } else {
                format!("to_jsonb(CASE {value} {aliases}ELSE {value} END::text)")
            }
        }
        ViewValue::Timestamp => format!(
            "to_jsonb(regexp_replace(to_char({value} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US'), \
             '([.]000000|000)$', '') || 'Z')"
        ),
        ViewValue::Bytes => format!(
            "to_jsonb(translate(encode(decode(rpad(translate(rtrim({value}, '='), '-_', '+/'), \
             ((length(rtrim({value}, '=')) + 3) / 4) * 4, '='), 'base64'), 'base64'), E'\\n', ''))"
        ),
        _ => format!("to_jsonb({value})"),
    }
}

/// Two members of one oneof in one statement: which of them is meant?
pub(super) fn rival_block(kind: &ResourceType, columns: &[ViewColumn<'_>]) -> String {
    let mut groups: Vec<(usize, Vec<String>)> = Vec::new();
    for column in columns {
        let Content::Field(ViewField { shape: FieldShape { oneof: Some(oneof), .. }, .. }) = &column.content
        else {
            continue;
        };
        let name = identifier(&bounded(&column.name));
        if matches!(writing(kind, column), Writing::Free) {
            let set = format!("(NEW.{name} IS DISTINCT FROM OLD.{name} AND NEW.{name} IS NOT NULL)::integer");
            match groups.iter_mut().find(|(group, _)| group == oneof) {
                Some((_, members)) => members.push(set),
                None => groups.push((*oneof, vec![set])),
            }
        }
    }
    let refuse = |members: &Vec<String>| {
        format!(
            "    IF {} > 1 THEN
        RAISE EXCEPTION 'set one member of a oneof, not several' USING ERRCODE = 'check_violation';
    END IF;\n",
            members.join(" + ")
        )
    };
    groups.iter().filter(|(_, members)| members.len() > 1).map(|(_, members)| refuse(members)).collect()
}

/// The value of a promoted column, out of the document as it will be.
pub(super) fn promoted_value(kind: &ResourceType, at: usize) -> String {
    let column = &kind.columns[at];
    let ColumnSource::Field { json_name } = &column.source else { return "NULL".to_owned() };
    let member = quoted(json_name);
    let absent = |default: &'static str| if column.implicit_default { default } else { "NULL" };
    match column.kind {
        ColumnKind::Integer => format!("trine.integer_of(document->{member}, {})", absent("0")),
        ColumnKind::Unsigned => format!("trine.unsigned_of(document->{member}, {})", absent("0")),
        ColumnKind::Boolean => format!("trine.boolean_of(document->{member}, {})", absent("false")),
        ColumnKind::Real => format!("NULLIF(trine.real_of(document->{member}, {}), 'NaN')", absent("0")),
        ColumnKind::Timestamp => format!(
            "CASE WHEN trine.time_of(document->>{member}) IS NOT NULL THEN rpad(rtrim(document->>{member}, 'Z') || \
             CASE WHEN strpos(document->>{member}, '.') = 0 THEN '.' ELSE '' END, 29, '0') || 'Z' END"
        ),
        ColumnKind::Text if column.implicit_default => {
            format!("COALESCE(document->>{member}, {})", literal(&kind.default_of(column)))
        }
        ColumnKind::Text => format!("document->>{member}"),
    }
}
