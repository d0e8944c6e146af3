//! The inverse of a symmetric positive definite matrix, by halves, so that nearly all of the work is matrix products.

use ndarray::{Array2, s};

use crate::cholesky::Cholesky;

/// Up to this size the plain factorisation is as fast.
const SMALL: usize = 32;

/// The inverse; `None` when the matrix is not positive definite.
pub(crate) fn inverse(matrix: &Array2<f64>) -> Option<Array2<f64>> {
    let size = matrix.nrows();
    if size <= SMALL {
        return Some(Cholesky::new(matrix)?.inverse());
    }
    // [A B'; B C] with S = C - B A^-1 B': the blocks of the inverse are A^-1 + E' S^-1 E, -S^-1 E and S^-1, where E = B A^-1.
    let half = size / 2;
    let (b, c) = (matrix.slice(s![half.., ..half]), matrix.slice(s![half.., half..]));
    let first = inverse(&matrix.slice(s![..half, ..half]).to_owned())?;
    let e = b.dot(&first);
    let rest = inverse(&(&c - &e.dot(&b.t())))?;
    let cross = rest.dot(&e);
    let mut whole = Array2::zeros((size, size));
    whole.slice_mut(s![..half, ..half]).assign(&(first + e.t().dot(&cross)));
    whole.slice_mut(s![half.., ..half]).assign(&(-&cross));
    whole.slice_mut(s![..half, half..]).assign(&(-&cross.t()));
    whole.slice_mut(s![half.., half..]).assign(&rest);
    Some(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_product_with_the_inverse_is_one() {
        for size in [1, 5, 33, 150] {
            let root = Array2::from_shape_fn((size, size), |(i, j)| ((i * 37 + j * 61) % 17) as f64 / 17.0 - 0.4);
            let matrix = root.t().dot(&root) + Array2::<f64>::eye(size) * 0.1;
            let product = inverse(&matrix).map(|inverse| inverse.dot(&matrix) - Array2::<f64>::eye(size));
            let worst = product.map(|p| p.iter().fold(0.0_f64, |m, x| m.max(x.abs())));
            assert!(worst.is_some_and(|w| w < 1e-8), "{size}: {worst:?}");
        }
        assert!(inverse(&-Array2::<f64>::eye(40)).is_none());
    }
}
