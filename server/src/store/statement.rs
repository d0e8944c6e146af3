//! Statements over many rows: placeholders in a few sizes, so that the databases parse each text once.

/// Rows of one statement. Few sizes, so that prepared statements are found again; times the columns of a table they stay below
/// the 32,766 parameters of SQLite.
const SIZES: [usize; 5] = [256, 64, 16, 4, 1];

/// The rows in pieces of the sizes of statements.
pub(crate) fn pieces<T>(mut rows: &[T]) -> impl Iterator<Item = &[T]> {
    std::iter::from_fn(move || {
        let size = SIZES.into_iter().find(|&size| size <= rows.len())?;
        let (piece, rest) = rows.split_at_checked(size)?;
        rows = rest;
        Some(piece)
    })
}

/// `$1, $2, $3`: one parameter per row.
pub(crate) fn list(rows: usize) -> String {
    (1..=rows).map(|number| format!("${number}")).collect::<Vec<_>>().join(", ")
}

/// `($1, $2), ($3, $4)`: the parameters of rows of several columns.
pub(crate) fn tuples(rows: usize, columns: usize) -> String {
    let tuple = |row: usize| {
        let numbers = (1..=columns).map(|column| format!("${}", row * columns + column));
        format!("({})", numbers.collect::<Vec<_>>().join(", "))
    };
    (0..rows).map(tuple).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_cover_all_rows_in_order() {
        for length in [0, 1, 3, 4, 5, 255, 256, 1000] {
            let rows: Vec<usize> = (0..length).collect();
            let sizes: Vec<usize> = pieces(&rows).map(<[usize]>::len).collect();
            assert!(sizes.iter().all(|size| SIZES.contains(size)), "{sizes:?}");
            assert_eq!(pieces(&rows).flatten().copied().collect::<Vec<_>>(), rows);
        }
        assert_eq!(list(3), "$1, $2, $3");
        assert_eq!(tuples(2, 2), "($1, $2), ($3, $4)");
    }
}
