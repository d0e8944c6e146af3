//! What filters may name: fields, how each is compared and with what.

/// How a field is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    /// `=`
    Equal,
    /// `!=`; a value that is not known differs from every text.
    Differs,
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    More,
    /// `>=`
    AtLeast,
}

pub(super) use Operator::{AtLeast, AtMost, Differs, Equal, Less, More};

impl Operator {
    pub(super) const ALL: [(&'static str, Self); 6] =
        [("=", Equal), ("!=", Differs), ("<", Less), ("<=", AtMost), (">", More), (">=", AtLeast)];

    /// As it is written.
    pub(super) fn sign(self) -> &'static str {
        Self::ALL.iter().find(|(_, operator)| *operator == self).map_or("=", |(sign, _)| sign)
    }

    /// As it is said of whole numbers and numbers; texts have `=` and `!=` only.
    pub(super) fn holds<T: PartialOrd>(self, left: &T, right: &T) -> bool {
        match self {
            Equal => left == right,
            Differs => left != right,
            Less => left < right,
            AtMost => left <= right,
            More => left > right,
            AtLeast => left >= right,
        }
    }
}

/// Equal or not.
pub(crate) const SAME_OR_NOT: &[Operator] = &[Equal, Differs];
/// Equal only.
pub(crate) const SAME: &[Operator] = &[Equal];
/// Above or below a bound.
pub(crate) const BOUNDS: &[Operator] = &[AtLeast, More, AtMost, Less];
/// Above a bound.
pub(crate) const FROM: &[Operator] = &[AtLeast, More];

/// What a field is compared with.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    /// A text.
    Text,
    /// A text; a `*` at its end, in quotes, stands for any rest.
    Beginning,
    /// The same; upper and lower case are the same, and the column has lower case.
    Name,
    /// `true` or `false` of whether the column, a day in days since 1970, lies before a day that [`Filter::old_before`](crate::grpc::filter::Filter::old_before) sets.
    Old,
    /// `true` or `false`; the column has 1 and 0.
    YesNo,
    /// A number.
    Number,
    /// A time such as `2026-01-31T00:00:00Z`; the column has microseconds since 1970.
    Time,
    /// One of these words, each with the number that the column has.
    Word(&'static [(&'static str, i64)]),
}

/// A field that a filter may name.
#[derive(Debug)]
pub(crate) struct Field {
    /// As clients write it.
    pub(crate) name: &'static str,
    /// The column.
    pub(crate) column: &'static str,
    /// What it is compared with.
    pub(crate) kind: Kind,
    /// How it may be compared.
    pub(crate) operators: &'static [Operator],
}

/// A value of a row, for asking a filter without a query.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Cell<'a> {
    /// Not known.
    Unknown,
    /// A text.
    Text(&'a str),
    /// A name, whose column has lower case.
    Name(&'a str),
    /// A whole number: yes or no, a time, a day, a name's number.
    Int(i64),
    /// A number.
    Real(f64),
}
