//! Matrix products over plain runs of numbers, on one thread.
#![expect(unsafe_code, reason = "the product crate takes raw pointers")]

/// A matrix inside a run of numbers.
#[derive(Clone, Copy)]
pub(crate) struct Matrix<'a> {
    data: &'a [f32],
    rows: usize,
    columns: usize,
    row_step: usize,
    column_step: usize,
}

impl<'a> Matrix<'a> {
    /// A matrix stored row after row; `data` must hold exactly its numbers.
    pub(crate) fn new(data: &'a [f32], rows: usize, columns: usize) -> Self {
        assert_eq!(data.len(), rows * columns, "a matrix has rows x columns numbers");
        Self { data, rows, columns, row_step: columns, column_step: 1 }
    }

    /// Mirrored, without moving a number.
    pub(crate) const fn transposed(self) -> Self {
        Self {
            data: self.data,
            rows: self.columns,
            columns: self.rows,
            row_step: self.column_step,
            column_step: self.row_step,
        }
    }
}

/// `out = a b`, or `out += a b` when `add`; `out` is stored row after row.
pub(crate) fn multiply(out: &mut [f32], a: Matrix<'_>, b: Matrix<'_>, add: bool) {
    assert_eq!(a.columns, b.rows, "the inner sizes agree");
    assert_eq!(out.len(), a.rows * b.columns, "the output has the outer sizes");
    if out.is_empty() || a.columns == 0 {
        if !add {
            out.fill(0.0);
        }
        return;
    }
    // The crate is fastest with columns that lie together, so the mirrored product is computed.
    // SAFETY: `Matrix::new` and the assertions above hold every index of the three matrices inside their
    // slices; `out` is borrowed mutably, so it overlaps neither input.
    unsafe {
        gemm::gemm(
            b.columns,
            a.rows,
            a.columns,
            out.as_mut_ptr(),
            b.columns as isize,
            1,
            add,
            b.data.as_ptr(),
            b.row_step as isize,
            b.column_step as isize,
            a.data.as_ptr(),
            a.row_step as isize,
            a.column_step as isize,
            1.0,
            1.0,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_of_small_matrices() {
        let a = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        let b = [1.0, 0.0, 2.0, 1.0, 0.0, 3.0];
        let (a, b) = (Matrix::new(&a, 2, 3), Matrix::new(&b, 3, 2));
        let mut out = [100.0; 4];
        multiply(&mut out, a, b, false);
        assert_eq!(out.map(|x| x as i32), [5, 11, 14, 23]);
        multiply(&mut out, a, b, true);
        assert_eq!(out.map(|x| x as i32), [10, 22, 28, 46]);
        multiply(&mut out, b.transposed(), a.transposed(), false);
        assert_eq!(out.map(|x| x as i32), [5, 14, 11, 23]);
    }
}
