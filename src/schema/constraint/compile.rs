//! All options of the messages in use → [`Constraints`].
//!
//! In use: what the served resources and the requests of commands hold. The rules of other messages are
//! not looked at, so that a tree may carry along what is served elsewhere.

use std::collections::{BTreeMap, BTreeSet};

use prost_reflect::{DynamicMessage, ExtensionDescriptor, FieldDescriptor, Kind, MessageDescriptor, Value};

use super::Constraints;
use super::options::Taken;
use super::rules::{FieldRules, Group, Ignore, MessageRules, ValueRules};
use super::value::{self, Target};
use crate::schema::location::Problems;
use crate::schema::shape::{FieldShape, Shapes};

pub(super) struct Compiler<'a, 'p> {
    pub shapes: &'a Shapes,
    pub field: Option<ExtensionDescriptor>,
    pub message: Option<ExtensionDescriptor>,
    pub oneof: Option<ExtensionDescriptor>,
    pub problems: &'a mut Problems<'p>,
}

impl Compiler<'_, '_> {
    /// The rules of these messages and of all that they hold.
    pub fn run(&mut self, roots: Vec<MessageDescriptor>) -> Constraints {
        let mut compiled: BTreeMap<usize, MessageRules> = BTreeMap::new();
        let mut pending = roots;
        while let Some(message) = pending.pop() {
            let Some(position) = self.shapes.find(message.full_name()) else { continue };
            if compiled.contains_key(&position) || self.shapes.message(position).well_known.is_some() {
                continue;
            }
            pending.extend(message.fields().filter_map(|field| message_of(&field)));
            compiled.insert(position, self.rules(position, &message));
        }
        prune(compiled)
    }

    fn rules(&mut self, position: usize, message: &MessageDescriptor) -> MessageRules {
        let mut found = Vec::new();
        let mut rules = MessageRules::default();
        let is_disabled = self.groups(position, message, &mut rules, &mut found);
        self.tell(message, message.path(), found);
        if is_disabled {
            return MessageRules::default();
        }
        for (index, field) in message.fields().enumerate() {
            let shape = &self.shapes.message(position).fields[index];
            let mut found = Vec::new();
            let mut own = self.field(&field, shape, &mut found);
            self.tell(
                message,
                field.path(),
                found.into_iter().map(|reason| format!("`{}`: {reason}", field.name())),
            );
            if own.ignore == Ignore::Never
                && rules.groups.iter().any(|group| group.oneof.is_none() && group.fields.contains(&index))
            {
                own.ignore = Ignore::IfZero;
            }
            rules.fields.push((index, own));
        }
        rules
    }

    fn tell(&mut self, message: &MessageDescriptor, path: &[i32], found: impl IntoIterator<Item = String>) {
        for sentence in found {
            self.problems.add(&message.parent_file(), path, sentence);
        }
    }

    fn field(&self, field: &FieldDescriptor, shape: &FieldShape, found: &mut Vec<String>) -> FieldRules {
        let kind = field.kind();
        let entry = kind.as_message().filter(|_| field.is_map()).cloned();
        let pair =
            entry.map(|entry| (entry.map_entry_key_field().kind(), entry.map_entry_value_field().kind()));
        let target = match &pair {
            Some((key, value)) => Target::Map(key, value),
            None if field.is_list() => Target::List(&kind),
            None => Target::Single(&kind),
        };
        let option = read(&self.field, &field.options());
        let rules = option.map(|option| value::rules(&option, target, "(buf.validate.field)", found));
        let mut rules = rules.unwrap_or_default();
        if rules.required && shape.behavior.input_only {
            found.push("it is INPUT_ONLY and never kept, so nobody could tell later that it was there; remove `required`".to_owned());
        }
        let within = message_of(field).and_then(|message| self.shapes.find(message.full_name()));
        set_within(&mut rules, target, within);
        rules
    }

    /// `oneof` of the message and of its oneofs; true when the message's rules are switched off.
    fn groups(
        &self,
        position: usize,
        message: &MessageDescriptor,
        rules: &mut MessageRules,
        found: &mut Vec<String>,
    ) -> bool {
        let shape = self.shapes.message(position);
        for oneof in message.oneofs().filter(|oneof| !oneof.is_synthetic()) {
            let Some(option) = read(&self.oneof, &oneof.options()) else { continue };
            let mut taken = Taken::new(&option);
            if taken.take_flag("required") {
                let index = oneof.path().last().map(|index| *index as usize);
                let fields = (0..shape.fields.len()).filter(|field| shape.fields[*field].oneof == index);
                let oneof = Some(oneof.name().to_owned());
                rules.groups.push(Group { oneof, fields: fields.collect(), required: true });
            }
            value::refuse_left(&taken, &format!("`{}`: (buf.validate.oneof)", oneof.name()), found);
        }
        let Some(option) = read(&self.message, &message.options()) else { return false };
        let mut taken = Taken::new(&option);
        let is_disabled = taken.take_flag("disabled");
        for option in taken.take_list("oneof").iter().filter_map(Value::as_message) {
            let mut taken = Taken::new(option);
            let (names, required) = (taken.take_texts("fields"), taken.take_flag("required"));
            let places = names.iter().map(|name| shape.fields.iter().position(|field| field.name == *name));
            match places.collect::<Option<Vec<usize>>>().filter(|fields| !fields.is_empty()) {
                Some(fields) => rules.groups.push(Group { oneof: None, fields, required }),
                None => found.push(format!("`(buf.validate.message).oneof` names {names:?}, and not all are fields of `{}`; correct the names", message.full_name())),
            }
        }
        value::refuse_left(&taken, "(buf.validate.message)", found);
        is_disabled
    }
}

/// Puts the position of a message where its rules are applied: at the value, each item or each entry.
fn set_within(rules: &mut FieldRules, target: Target<'_>, within: Option<usize>) {
    if within.is_none() {
        return;
    }
    if matches!(rules.value, ValueRules::Nothing) {
        rules.value = match target {
            Target::Single(_) => ValueRules::Nothing,
            Target::List(_) => {
                ValueRules::List { size: Default::default(), unique: false, items: Box::default() }
            }
            Target::Map(..) => {
                ValueRules::Map { size: Default::default(), keys: Box::default(), values: Box::default() }
            }
        };
    }
    match &mut rules.value {
        ValueRules::List { items, .. } => items.within = within,
        ValueRules::Map { values, .. } => values.within = within,
        _ => rules.within = within,
    }
}

/// Leaves out what has nothing to say: no rule of its own, and none in what it holds.
fn prune(compiled: BTreeMap<usize, MessageRules>) -> Constraints {
    let mut concerned: BTreeSet<usize> = BTreeSet::new();
    loop {
        let speaks = |rules: &MessageRules| {
            !rules.groups.is_empty() || rules.fields.iter().any(|(_, field)| field.speaks(&concerned))
        };
        let next: BTreeSet<usize> =
            compiled.iter().filter(|(_, rules)| speaks(rules)).map(|(position, _)| *position).collect();
        if next == concerned {
            break;
        }
        concerned = next;
    }
    let kept = compiled.into_iter().filter(|(position, _)| concerned.contains(position));
    let messages = kept.map(|(position, mut rules)| {
        rules.fields.retain(|(_, field)| field.speaks(&concerned));
        (position, rules)
    });
    Constraints { messages: messages.collect() }
}

impl FieldRules {
    fn speaks(&self, concerned: &BTreeSet<usize>) -> bool {
        let own = match &self.value {
            ValueRules::Nothing => false,
            ValueRules::List { size, unique, items } => {
                *unique || *size != Default::default() || items.speaks(concerned)
            }
            ValueRules::Map { size, keys, values } => {
                *size != Default::default() || keys.speaks(concerned) || values.speaks(concerned)
            }
            _ => true,
        };
        let within = self.within.is_some_and(|within| concerned.contains(&within));
        self.ignore != Ignore::Always && (self.required || own || within)
    }
}

/// The message that a field holds, also as items or as values of a map.
fn message_of(field: &FieldDescriptor) -> Option<MessageDescriptor> {
    match field.kind() {
        Kind::Message(entry) if field.is_map() => entry.map_entry_value_field().kind().as_message().cloned(),
        Kind::Message(message) => Some(message),
        _ => None,
    }
}

fn read(extension: &Option<ExtensionDescriptor>, options: &DynamicMessage) -> Option<DynamicMessage> {
    let extension = extension.as_ref().filter(|extension| options.has_extension(extension))?;
    options.get_extension(extension).as_message().cloned()
}
