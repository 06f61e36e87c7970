//! Rules of times and spans, in nanoseconds.

use prost_reflect::Value;

use super::options::Taken;
use super::rules::MomentRules;
use super::value::range;

const SECOND: i128 = 1_000_000_000;

pub(super) fn rules(taken: &mut Taken) -> MomentRules {
    MomentRules {
        before_now: taken.take_flag("lt_now"),
        after_now: taken.take_flag("gt_now"),
        within: taken.take("within").as_ref().and_then(nanoseconds),
        range: range(taken, nanoseconds),
    }
}

/// Of a google.protobuf.Duration, or of a Timestamp since 1970.
pub(super) fn nanoseconds(value: &Value) -> Option<i128> {
    let message = value.as_message()?;
    let seconds = message.get_field_by_name("seconds")?.as_i64()?;
    let nanos = message.get_field_by_name("nanos")?.as_i32()?;
    Some(i128::from(seconds) * SECOND + i128::from(nanos))
}
