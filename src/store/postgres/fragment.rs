//! Pieces of this database's SQL: a value is written `$`.

use super::statement::Bind;
use crate::store::fragment::{self, Value};

pub(super) type Fragment = fragment::Fragment<Bind>;

impl Value for Bind {
    const PLACEHOLDER: &'static str = "$";
}
