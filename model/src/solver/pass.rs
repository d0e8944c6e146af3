//! Passes over the rows: loss and gradient, and the Hessian, in blocks that stay in the cache.
//!
//! Sums of floats depend on their order. Rows are cut into parts whose number depends on the problem alone, each part is summed
//! by one thread from its first block to its last, and the parts are added in order: the result has the same bits on any
//! number of threads.

use ndarray::{Array1, Array2, ArrayView2, Axis, ShapeBuilder, s};
use rayon::prelude::*;

use super::{Problem, sigmoid};

/// Numbers of a block, 768 KB: it is read twice, the second time from the second-level cache, or the third where that is small;
/// long stretches of each column suit the prefetcher.
const BLOCK_NUMBERS: usize = 98_304;
const FEWEST_BLOCK_ROWS: usize = 64;
/// Parts of a pass: enough for the threads of a large machine to end together.
const PARTS: usize = 64;
/// Numbers that the partial sums of a pass may hold together, 64 MB.
const PARTIAL_NUMBERS: usize = 8 << 20;
/// Values that are summed side by side.
const LANES: usize = 4;

/// Loss and gradient of the penalised problem at some parameters, intercept first.
pub(super) struct Slope {
    pub(super) loss: f64,
    pub(super) gradient: Array1<f64>,
}

/// The columns of a block of rows.
type Columns<'a> = Vec<&'a [f64]>;

/// The rows of a problem in blocks and parts.
struct Blocks<'a> {
    matrix: ArrayView2<'a, f64>,
    /// The columns, where each lies in one piece.
    columns: Option<Columns<'a>>,
    block: usize,
    /// Rows of a part, a multiple of a block.
    part: usize,
}

impl<'a> Blocks<'a> {
    /// With partial sums of `numbers` each.
    fn new(matrix: ArrayView2<'a, f64>, numbers: usize) -> Self {
        let (rows, width) = matrix.dim();
        // Whole cache lines in each column.
        let block = (BLOCK_NUMBERS / width.max(1)).max(FEWEST_BLOCK_ROWS) / 8 * 8;
        let parts = (PARTIAL_NUMBERS / numbers.max(1)).clamp(1, PARTS);
        let part = rows.div_ceil(block).div_ceil(parts).max(1) * block;
        let columns = (0..width).map(|j| matrix.index_axis_move(Axis(1), j).to_slice()).collect();
        Self { matrix, columns, block, part }
    }

    /// Calls `body` with the first row and the columns of each block of each part and returns what each part came to.
    fn sum<T: Send>(
        &self,
        new: impl Fn() -> T + Sync,
        body: impl Fn(&mut T, usize, &[&[f64]], &mut Vec<f64>) + Sync,
    ) -> Vec<T> {
        let rows = self.matrix.nrows();
        let parts: Vec<usize> = (0..rows).step_by(self.part).collect();
        parts
            .into_par_iter()
            .map(|first| {
                let (mut total, mut scratch) = (new(), Vec::new());
                let last = (first + self.part).min(rows);
                for start in (first..last).step_by(self.block) {
                    let end = (start + self.block).min(last);
                    match &self.columns {
                        Some(columns) => {
                            let block: Columns<'_> = columns.iter().map(|column| &column[start..end]).collect();
                            body(&mut total, start, &block, &mut scratch);
                        }
                        None => {
                            let mut packed = Array2::zeros((end - start, self.matrix.ncols()).f());
                            packed.assign(&self.matrix.slice(s![start..end, ..]));
                            let block: Columns<'_> =
                                packed.axis_iter(Axis(1)).filter_map(|column| column.to_slice()).collect();
                            body(&mut total, start, &block, &mut scratch);
                        }
                    }
                }
                total
            })
            .collect()
    }
}

/// log-odds = intercept + coefficients . columns, four columns at a time: each visit of the log-odds costs as much as a column.
fn log_odds(parameters: &[f64], columns: &[&[f64]], log_odds: &mut [f64]) {
    let (intercept, coefficients) = parameters.split_first().unwrap_or((&0.0, &[]));
    log_odds.fill(*intercept);
    let (fours, rest) = coefficients.as_chunks::<4>();
    let (columns, last) = columns.split_at(fours.len() * 4);
    for ([a, b, c, d], columns) in fours.iter().zip(columns.as_chunks::<4>().0) {
        let [x, y, z, w] = columns;
        for ((((sum, x), y), z), w) in log_odds.iter_mut().zip(*x).zip(*y).zip(*z).zip(*w) {
            *sum += (a * x + b * y) + (c * z + d * w);
        }
    }
    for (a, x) in rest.iter().zip(last) {
        for (sum, x) in log_odds.iter_mut().zip(*x) {
            *sum += a * x;
        }
    }
}

/// Adds the products of the columns with the errors, four columns at a time.
fn add_products(gradient: &mut [f64], columns: &[&[f64]], errors: &[f64]) {
    let (fours, rest) = columns.as_chunks::<4>();
    let (sums, last) = gradient.split_at_mut(fours.len() * 4);
    for (sums, columns) in sums.as_chunks_mut::<4>().0.iter_mut().zip(fours) {
        for (sum, product) in sums.iter_mut().zip(four_products(*columns, errors)) {
            *sum += product;
        }
    }
    for (sum, column) in last.iter_mut().zip(rest) {
        *sum += four_products([column; 4], errors)[0];
    }
}

fn four_products(columns: [&[f64]; 4], errors: &[f64]) -> [f64; 4] {
    let (e, e_rest) = errors.as_chunks::<LANES>();
    let [(x, _), (y, _), (z, _), (w, _)] = columns.map(|column| column.as_chunks::<LANES>());
    // Local arrays by name: the compiler keeps these in registers, and sums lane by lane.
    let (mut sx, mut sy, mut sz, mut sw) = ([0.0; LANES], [0.0; LANES], [0.0; LANES], [0.0; LANES]);
    for ((((e, x), y), z), w) in e.iter().zip(x).zip(y).zip(z).zip(w) {
        for lane in 0..LANES {
            sx[lane] += x[lane] * e[lane];
            sy[lane] += y[lane] * e[lane];
            sz[lane] += z[lane] * e[lane];
            sw[lane] += w[lane] * e[lane];
        }
    }
    let mut products = [sx, sy, sz, sw].map(|sums| sums.iter().sum::<f64>());
    for (product, column) in products.iter_mut().zip(columns) {
        let rest = column.iter().skip(e.len() * LANES);
        *product += rest.zip(e_rest).map(|(x, e)| x * e).sum::<f64>();
    }
    products
}

/// Loss and gradient.
pub(super) fn slope(problem: &Problem<'_>, parameters: &[f64]) -> Slope {
    let size = parameters.len();
    let blocks = Blocks::new(problem.matrix, size);
    let parts = blocks.sum(
        || (0.0, vec![0.0; size]),
        |(loss, gradient), start, columns, scratch| {
            let events = problem.events.iter().skip(start).take(blocks.block);
            let rows = columns.first().map_or(events.len(), |column| column.len()).min(events.len());
            scratch.resize(3 * blocks.block, 0.0);
            let (x, rest) = scratch.split_at_mut(blocks.block);
            let (signs, ones_plus) = rest.split_at_mut(blocks.block);
            let (x, signs, ones_plus) = (&mut x[..rows], &mut signs[..rows], &mut ones_plus[..rows]);
            for (sign, &event) in signs.iter_mut().zip(events) {
                *sign = 1.0 - 2.0 * f64::from(u8::from(event));
            }
            log_odds(parameters, columns, x);
            *loss += sigmoid::errors(x, signs, ones_plus);
            if let Some((intercept, coefficients)) = gradient.split_first_mut() {
                *intercept += sigmoid::sum(x);
                add_products(coefficients, columns, x);
            }
        },
    );
    let mut total = Slope { loss: 0.0, gradient: Array1::zeros(size) };
    for (loss, gradient) in parts {
        total.loss += loss;
        total.gradient += &ndarray::aview1(&gradient);
    }
    for (&w, g) in parameters.iter().zip(&mut total.gradient).skip(1) {
        total.loss += problem.penalty / 2.0 * w * w;
        *g += problem.penalty * w;
    }
    total
}

/// The Hessian.
pub(super) fn hessian(problem: &Problem<'_>, parameters: &[f64]) -> Array2<f64> {
    let size = parameters.len();
    let blocks = Blocks::new(problem.matrix, size * size);
    let parts = blocks.sum(
        || Array2::<f64>::zeros((size, size)),
        |total, start, columns, scratch| {
            let rows = columns.first().map_or(blocks.block.min(problem.events.len() - start), |column| column.len());
            scratch.resize(rows * (size + 1), 0.0);
            let (weights, weighted) = scratch.split_at_mut(rows);
            log_odds(parameters, columns, weights);
            sigmoid::root_weights(weights);
            let mut into = weighted.chunks_exact_mut(rows.max(1));
            if let Some(first) = into.next() {
                first.copy_from_slice(weights);
            }
            for (into, column) in into.zip(columns) {
                for ((z, w), x) in into.iter_mut().zip(weights.iter()).zip(*column) {
                    *z = w * x;
                }
            }
            if let Ok(z) = ArrayView2::from_shape((rows, size).f(), weighted) {
                add_gram(z, total);
            }
        },
    );
    let mut total = Array2::zeros((size, size));
    for part in &parts {
        total += part;
    }
    for i in 1..size {
        total[[i, i]] += problem.penalty;
    }
    for i in 0..size {
        for j in i + 1..size {
            total[[i, j]] = total[[j, i]];
        }
    }
    total
}

/// Columns of Z'Z that are computed at a time: of those above the diagonal only the ones in the same panel are computed.
const PANEL: usize = 24;

/// Adds the lower triangle of Z'Z.
fn add_gram(z: ArrayView2<'_, f64>, total: &mut Array2<f64>) {
    let size = z.ncols();
    for first in (0..size).step_by(PANEL) {
        let last = (first + PANEL).min(size);
        let left = z.slice(s![.., first..]);
        let right = z.slice(s![.., first..last]);
        let mut into = total.slice_mut(s![first.., first..last]);
        ndarray::linalg::general_mat_mul(1.0, &left.t(), &right, 1.0, &mut into);
    }
}
