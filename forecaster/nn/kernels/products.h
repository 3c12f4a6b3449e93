/* Matrix products of a panel.

    tile       ROWS rows by two vectors of a product in registers: each step of the sum multiplies ROWS numbers of
               the left factor by two vectors of the right one. Left factors are padded to a multiple of ROWS; the
               extra rows are written too, and the next write overwrites them. Where a panel is a single vector, a
               tile has twice the rows, since each sum needs several independent ones beside it
    ROW        what a tile does for row r, written out for each by EACH_ROW: Clang unrolls a loop too late to keep
               the sums in registers. `rows` is a constant, so tests of it cost nothing
    W          columns of the panel, PANEL or NARROW; a constant wherever these functions are inlined */

typedef REAL N(vec) __attribute__((vector_size(VECTOR), aligned(sizeof(REAL)), may_alias));

#define EACH_ROW(ROW) \
    ROW(0) ROW(1) ROW(2) ROW(3) ROW(4) ROW(5) ROW(6) ROW(7) \
    ROW(8) ROW(9) ROW(10) ROW(11) ROW(12) ROW(13) ROW(14) ROW(15)
#define MOST_ROWS 16
_Static_assert(2 * ROWS <= MOST_ROWS, "each row of a tile is written out");

/* acc += Σ_k a[row·r + next·k] b[stride·k …], for `rows` rows r and `wide` vectors of the right factor; ROWS
   rows more of the left factor begin at `second`. */
INLINE void N(tile)(int64_t count, const REAL *a, int64_t row, int64_t next, const REAL *second, const REAL *b,
                    int64_t stride, int rows, int wide, VEC acc[MOST_ROWS][2]) {
    for (int64_t k = 0; k < count; k++, a += next, second += next, b += stride) {
        VEC left = *(const VEC *)b, right = wide > 1 ? *(const VEC *)(b + LANES) : left;
#define ROW(r) \
        if (r < rows) { \
            REAL weight = r < ROWS ? a[r * row] : second[(r - ROWS) * row]; \
            acc[r][0] += weight * left; \
            if (wide > 1) acc[r][1] += weight * right; \
        }
        EACH_ROW(ROW)
#undef ROW
    }
}

/* out (rows, W) = a tile of `rows` rows, from packed left factors. */
INLINE void N(tile_of_product)(int64_t count, const REAL *packed, const REAL *right, REAL *out, int rows, int64_t W) {
    const int wide = W > LANES ? 2 : 1;
    for (int64_t column = 0; column < W; column += wide * LANES) {
        VEC acc[MOST_ROWS][2] = {0};
        N(tile)(count, packed, 1, ROWS, packed + ROWS * count, right + column, W, rows, wide, acc);
#define ROW(r) \
        if (r < rows) { \
            VECS(to, out + r * W + column); \
            to[0] = acc[r][0]; \
            if (wide > 1) to[1] = acc[r][1]; \
        }
        EACH_ROW(ROW)
#undef ROW
    }
}

/* out (rows, W) = packed (rows, count) right (count, W); writes up to ROWS - 1 rows more. */
INLINE void N(product_of)(int64_t rows, int64_t count, const REAL *packed, const REAL *right, REAL *out, int64_t W) {
    int64_t r = 0;
    if (W == LANES)
        for (; r + ROWS < rows; r += 2 * ROWS, packed += 2 * ROWS * count)
            N(tile_of_product)(count, packed, right, out + r * W, 2 * ROWS, W);
    for (; r < rows; r += ROWS, packed += ROWS * count)
        N(tile_of_product)(count, packed, right, out + r * W, ROWS, W);
}

OUTLINE void N(product)(int64_t rows, int64_t count, const REAL *packed, const REAL *right, REAL *out, int64_t W) {
    if (W == PANEL) N(product_of)(rows, count, packed, right, out, PANEL);
    else N(product_of)(rows, count, packed, right, out, NARROW);
}

/* total (ROWS, stride) += left (ROWS, W) right (W, wide vectors), summed over `steps` steps. */
INLINE void N(add_tile)(int64_t steps, const REAL *left, int64_t left_step, const REAL *right, int64_t right_step,
                        int64_t right_stride, REAL *total, int64_t stride, int wide, int64_t W) {
    VEC acc[MOST_ROWS][2] = {0};
    for (int64_t t = 0; t < steps; t++, left += left_step, right += right_step)
        N(tile)(W, left, W, 1, left, right, right_stride, ROWS, wide, acc);
#define ROW(r) \
    if (r < ROWS) { \
        VECS(sum, total + r * stride); \
        sum[0] += acc[r][0]; \
        if (wide > 1) sum[1] += acc[r][1]; \
    }
    EACH_ROW(ROW)
#undef ROW
}

/* total (rows, stride) += left (rows, W) right (W, columns), summed over `steps` steps. */
INLINE void N(add_products_of)(int64_t rows, int64_t columns, int64_t steps, const REAL *left, int64_t left_step,
                               const REAL *right, int64_t right_step, int64_t right_stride, REAL *total,
                               int64_t stride, int64_t W) {
    for (int64_t k = 0; k < columns; k += 2 * LANES, right += 2 * LANES, total += 2 * LANES)
        for (int64_t r = 0; r < rows; r += ROWS) {
            const REAL *from = left + r * W;
            REAL *to = total + r * stride;
            if (columns - k > LANES)
                N(add_tile)(steps, from, left_step, right, right_step, right_stride, to, stride, 2, W);
            else N(add_tile)(steps, from, left_step, right, right_step, right_stride, to, stride, 1, W);
        }
}

OUTLINE void N(add_products)(int64_t rows, int64_t columns, int64_t steps, const REAL *left, int64_t left_step,
                             const REAL *right, int64_t right_step, int64_t right_stride, REAL *total,
                             int64_t stride, int64_t W) {
    if (W == PANEL)
        N(add_products_of)(rows, columns, steps, left, left_step, right, right_step, right_stride, total, stride, PANEL);
    else
        N(add_products_of)(rows, columns, steps, left, left_step, right, right_step, right_stride, total, stride, NARROW);
}

/* sums (rows, columns, PANEL) += left (rows, W) · right (columns, W) column by column, over `steps` steps: few columns
   of a gradient would waste most of a vector in `add_products`. */
OUTLINE void N(add_rest)(int64_t rows, int64_t columns, int64_t steps, const REAL *left, int64_t left_step,
                        const REAL *right, int64_t right_step, REAL *sums, int64_t W) {
    for (int64_t k = 0; k < columns; k++)
        for (int64_t i = 0; i < W; i += LANES) {
            VEC factor[PIECE];
            for (int64_t t = 0; t < steps; t++) factor[t] = *(const VEC *)(right + t * right_step + k * W + i);
            for (int64_t r = 0; r < rows; r++) {
                VECS(sum, sums + (r * columns + k) * PANEL + i);
                VEC acc = *sum;
                for (int64_t t = 0; t < steps; t++) acc += *(const VEC *)(left + t * left_step + r * W + i) * factor[t];
                *sum = acc;
            }
        }
}

/* Left factors for `product`: ROWS rows interleaved, (rows/ROWS, count, ROWS). `rows` and `count` may be the columns. */
OUTLINE void N(pack)(int64_t rows, int64_t count, const REAL *from, int64_t row, int64_t next, REAL *to) {
    for (int64_t r = 0; r < rows; r += ROWS, from += ROWS * row) {
        int64_t whole = rows - r < ROWS ? 0 : count;
        if (row == 1)
            for (int64_t k = 0; k < whole; k++, to += ROWS) memcpy(to, from + k * next, ROWS * sizeof(REAL));
        else
            for (int64_t k = 0; k < whole; k++)
                for (int i = 0; i < ROWS; i++) *to++ = from[i * row + k * next];
        for (int64_t k = whole; k < count; k++)
            for (int i = 0; i < ROWS; i++) *to++ = r + i < rows ? from[i * row + k * next] : 0;
    }
}
