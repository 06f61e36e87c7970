//! Values of promoted columns: what filters compare, orders sort by and page tokens hold.

/// A value of a promoted column.
#[derive(Clone, Debug, PartialEq)]
pub enum Scalar {
    Null,
    Text(String),
    Integer(i64),
    Unsigned(u64),
    Real(f64),
    Boolean(bool),
}
