/* A recurrent layer through time, forward and back, in one call: what `cells` does step by step with NumPy.

Notation as in cells/base.py. It is faster than NumPy for three reasons. No interpreter runs between two steps, so
threads never wait for its lock. The gates of a step are still in the first-level cache when their nonlinearities
are computed. And small products avoid the set-up cost of a general library.

    panel      W = 16 columns of the batch (8 in double precision). Columns are independent up to the gradient by
               the weights, so a panel runs through all steps before the next panel begins, and its state stays in
               cache. The last panel is padded with zeros, which add nothing.
    s (K, W)   [h; x; 1] of one step of a panel, K = H + I + 1
    saved      for each panel and step R rows of W: gates and what else backward needs, h_t last. Backward
               overwrites the gates by the derivatives by them
               RNN   h_t                        LSTM  o, i, f, g, tanh c_t, c_{t-1}, h_t
               GRU   n, r, z, u, h_t: the rows that read x (n, r, z) and those that read h (r, z, u) are each contiguous
    tile       6 rows by W columns of a product in twelve registers: each step of the sum multiplies six numbers
               of the left factor by two vectors of the right one. Left factors are padded to a multiple of six
               rows; the extra rows are written too, and the next write overwrites them
    PIECE      number of steps of a panel whose products are added to the gradient by the weights at once

Written with the vector types of GCC and Clang, for processors with AVX2 and FMA. Elsewhere `kernels_usable` returns
0, and NumPy does the work. The file includes itself to compile for float and double. */

#ifndef REAL

#include <math.h>
#include <stdint.h>
#include <string.h>

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>

#define ROWS 6
#define PIECE 8
#define KERNEL __attribute__((target("avx2,fma")))
#define INLINE static inline __attribute__((always_inline, target("avx2,fma")))
#define PADDED(rows) (((rows) + ROWS - 1) / ROWS * ROWS)

enum { RNN, GRU, LSTM }; /* `Cell.kernel` in cells/ */

/* Gates that read the rows k0 … k1-1 of s: their first row in the weight, their number, their first row in `saved`. */
struct block { int64_t weight, rows, k0, k1, saved; };

#define JOIN(name, suffix) name##suffix
#define REAL float
#define N(name) JOIN(name, _f32)
#define SPLAT(a) {a, a, a, a, a, a, a, a}
#include "kernels.c"
#undef REAL
#undef N
#undef SPLAT
#define REAL double
#define DOUBLE
#define N(name) JOIN(name, _f64)
#define SPLAT(a) {a, a, a, a}
#include "kernels.c"

/* Whether this processor can run the kernels and the caller has the same layout: `size` is that of its layer. */
int kernels_usable(int64_t size) {
    return size == sizeof(struct layer_f32) && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

#else
#include <stdint.h>
int kernels_usable(int64_t size) { return size < 0; }
#endif

#else

typedef REAL N(vec) __attribute__((vector_size(32), aligned(sizeof(REAL)), may_alias));
typedef REAL N(bits_like);
#define VEC N(vec)
#define LANES (32 / (int64_t)sizeof(REAL))
#define W (2 * LANES)
#define VECS(name, p) VEC *name = (VEC *)(p)

/* The arguments of a call; same layout as `_Layer` in compiled_layer.py. */
struct N(layer) {
    int64_t cell, steps, inputs, hidden, batch;
    int64_t rolling;              /* nothing is saved */
    int64_t every;                /* every h_t is written, not only the last */
    const REAL *weight, *bias;    /* (G·H, K), and b_u (H) of the GRU */
    REAL *ahead, *back_h, *back_x; /* left factors, packed by `load` */
    const REAL *x;                /* (T, I, B) */
    REAL *first_h, *h, *first_c, *c; /* (H, B); h (T, H, B) if `every`, else (H, B): after the last step, like c */
    REAL *saved, *scratch;
    const REAL *mask;             /* (T, B), 0 where a step is padding; or null */
    REAL *d;                      /* (n, H, B), derivative by the final state, then by the initial one */
    const REAL *d_outputs;        /* (T, H, B) or null */
    REAL *d_inputs;               /* (T, I, B) or null */
    REAL *d_weight, *d_bias;
};

static int N(blocks)(const struct N(layer) *l, struct block *blocks) {
    int64_t H = l->hidden, K = H + l->inputs + 1;
    if (l->cell == GRU) {
        blocks[0] = (struct block){2 * H, H, H, K, 0};     /* v, of n */
        blocks[1] = (struct block){0, 2 * H, 0, K, H};     /* r, z */
        blocks[2] = (struct block){2 * H, H, 0, H, 3 * H}; /* u */
        return 3;
    }
    blocks[0] = (struct block){0, (l->cell == LSTM ? 4 : 1) * H, 0, K, 0};
    return 1;
}

static int64_t N(saved_rows)(const struct N(layer) *l) {
    return (l->cell == LSTM ? 7 : l->cell == GRU ? 5 : 1) * l->hidden;
}

/* Rows of the weight; dh_{t-1} and dx_t each sum over as many derivatives. */
static int64_t N(gates)(const struct N(layer) *l) {
    return (l->cell == LSTM ? 4 : l->cell == GRU ? 3 : 1) * l->hidden;
}

/* The sum of the gradient by the weights: rows of all blocks, and their width. */
static int64_t N(total_rows)(const struct N(layer) *l) {
    struct block blocks[3];
    int64_t rows = 0;
    for (int i = 0, count = N(blocks)(l, blocks); i < count; i++) rows += PADDED(blocks[i].rows);
    return rows;
}

static int64_t N(width)(const struct N(layer) *l) {
    return (l->hidden + l->inputs + 1 + 2 * LANES - 1) / LANES * LANES;
}

/* --- products ------------------------------------------------------------------------------------------------ */

/* acc += Σ_k a[r·row + k·next] b[k·stride …], for six rows r and `wide` vectors of the right factor. */
INLINE void N(tile)(int64_t count, const REAL *a, int64_t row, int64_t next, const REAL *b, int64_t stride, int wide,
                    VEC acc[ROWS][2]) {
    for (int64_t k = 0; k < count; k++, a += next, b += stride) {
        VEC left = *(const VEC *)b, right = wide > 1 ? *(const VEC *)(b + LANES) : left;
#pragma GCC unroll 6
        for (int r = 0; r < ROWS; r++) {
            acc[r][0] += a[r * row] * left;
            if (wide > 1) acc[r][1] += a[r * row] * right;
        }
    }
}

/* out (rows, W) = packed (rows, count) right (count, W); writes up to five rows more. */
INLINE void N(product)(int64_t rows, int64_t count, const REAL *packed, const REAL *right, REAL *out) {
    for (int64_t r = 0; r < rows; r += ROWS, packed += ROWS * count, out += ROWS * W) {
        VEC acc[ROWS][2] = {0};
        N(tile)(count, packed, 1, ROWS, right, W, 2, acc);
        memcpy(out, acc, sizeof acc);
    }
}

/* total (rows, stride) += left (rows, W) right (W, columns), summed over `steps` steps. */
INLINE void N(add_products)(int64_t rows, int64_t columns, int64_t steps, const REAL *left, int64_t left_step,
                            const REAL *right, int64_t right_step, int64_t right_stride, REAL *total,
                            int64_t stride) {
    for (int64_t r = 0; r < rows; r += ROWS)
        for (int64_t k = 0; k < columns; k += W) {
            int wide = columns - k > LANES ? 2 : 1;
            REAL *out = total + r * stride + k;
            VEC acc[ROWS][2] = {0};
            for (int64_t t = 0; t < steps; t++) {
                const REAL *a = left + t * left_step + r * W, *b = right + t * right_step + k;
                if (wide > 1) N(tile)(W, a, W, 1, b, right_stride, 2, acc);
                else N(tile)(W, a, W, 1, b, right_stride, 1, acc);
            }
            for (int i = 0; i < ROWS; i++) {
                VECS(sum, out + i * stride);
                sum[0] += acc[i][0];
                if (wide > 1) sum[1] += acc[i][1];
            }
        }
}

/* Left factors for `product`: six rows interleaved, (rows/6, count, 6). `rows` and `count` may be the columns. */
INLINE void N(pack)(int64_t rows, int64_t count, const REAL *from, int64_t row, int64_t next, REAL *to) {
    for (int64_t r = 0; r < rows; r += ROWS, from += ROWS * row) {
        int64_t whole = rows - r < ROWS ? 0 : count;
        for (int64_t k = 0; k < whole; k++)
#pragma GCC unroll 6
            for (int i = 0; i < ROWS; i++) *to++ = from[i * row + k * next];
        for (int64_t k = whole; k < count; k++)
            for (int i = 0; i < ROWS; i++) *to++ = r + i < rows ? from[i * row + k * next] : 0;
    }
}

/* --- panels -------------------------------------------------------------------------------------------------- */

/* Copies rows of `n` columns, `stride` apart, into a panel; zeros after them. */
INLINE void N(gather)(REAL *panel, const REAL *from, int64_t rows, int64_t stride, int64_t n) {
    for (int64_t j = 0; j < rows; j++, panel += W, from += stride) {
        if (n == W) {
            memcpy(panel, from, W * sizeof(REAL));
        } else {
            memset(panel, 0, W * sizeof(REAL));
            memcpy(panel, from, n * sizeof(REAL));
        }
    }
}

INLINE void N(scatter)(const REAL *panel, REAL *to, int64_t rows, int64_t stride, int64_t n) {
    for (int64_t j = 0; j < rows; j++, panel += W, to += stride) {
        if (n == W) memcpy(to, panel, W * sizeof(REAL));
        else memcpy(to, panel, n * sizeof(REAL));
    }
}

/* new = old where the mask (n) of this step is 0. */
static KERNEL void N(keep)(REAL *new, const REAL *old, int64_t rows, const REAL *mask, int64_t n) {
    for (int64_t j = 0; j < rows; j++)
        for (int64_t i = 0; i < n; i++)
            if (mask[i] == 0) new[j * W + i] = old ? old[j * W + i] : 0;
}

/* The panel (rows, W) transposed: (W, rows), with rows `width` apart. Writes up to LANES - 1 columns more. */
INLINE void N(turn)(const REAL *panel, int64_t rows, REAL *to, int64_t width) {
#ifdef DOUBLE
    for (int64_t i = 0; i < W; i++)
        for (int64_t j = 0; j < rows; j++) to[i * width + j] = panel[j * W + i];
#else
    for (int64_t j = 0; j < rows; j += LANES)
        for (int64_t i = 0; i < W; i += LANES) {
            __m256 a[LANES], b[LANES];
            for (int k = 0; k < LANES; k++) a[k] = _mm256_loadu_ps(panel + (j + k) * W + i);
            for (int k = 0; k < LANES; k += 2) { /* pairs of rows, then pairs of pairs, then halves */
                b[k] = _mm256_unpacklo_ps(a[k], a[k + 1]);
                b[k + 1] = _mm256_unpackhi_ps(a[k], a[k + 1]);
            }
            for (int k = 0; k < LANES; k += 4) {
                a[k] = _mm256_shuffle_ps(b[k], b[k + 2], 0x44);
                a[k + 1] = _mm256_shuffle_ps(b[k], b[k + 2], 0xee);
                a[k + 2] = _mm256_shuffle_ps(b[k + 1], b[k + 3], 0x44);
                a[k + 3] = _mm256_shuffle_ps(b[k + 1], b[k + 3], 0xee);
            }
            for (int k = 0; k < LANES / 2; k++) {
                _mm256_storeu_ps(to + (i + k) * width + j, _mm256_permute2f128_ps(a[k], a[k + 4], 0x20));
                _mm256_storeu_ps(to + (i + k + 4) * width + j, _mm256_permute2f128_ps(a[k], a[k + 4], 0x31));
            }
        }
#endif
}

/* --- nonlinearities ------------------------------------------------------------------------------------------ */

/* tanh x = x P(x²) / Q(x²), fitted for the smallest relative error up to 8.5; there tanh is 1 − 8e-8. In single
   precision the error is at most 4e-7; double precision calls the C library. */
INLINE VEC N(tanh)(VEC x) {
#ifdef DOUBLE
    for (int i = 0; i < LANES; i++) x[i] = tanh(x[i]);
    return x;
#else
    const VEC most = SPLAT(8.5f);
    x = (VEC)_mm256_max_ps((__m256)-most, _mm256_min_ps((__m256)most, (__m256)x)); /* this order keeps NaN */
    VEC u = x * x;
    VEC p = 1.4269203596e-08f * u + 2.1251024009e-05f;
    VEC q = 8.1451128153e-07f * u + 3.3488628105e-04f;
    p = p * u + 3.5340255126e-03f;
    q = q * u + 2.6022747159e-02f;
    p = p * u + 1.3413245976e-01f;
    q = q * u + 4.6746569872e-01f;
    return x * (p * u + 1.0f) / (q * u + 1.0f);
#endif
}

INLINE VEC N(sigma)(VEC x) { return (REAL)0.5 * N(tanh)((REAL)0.5 * x) + (REAL)0.5; }

/* --- one step of a panel: each forward next to its backward --------------------------------------------------- */

/* h (H, W): h_{t-1}, then h_t. */
INLINE void N(rnn)(int64_t H, REAL *saved, REAL *h) {
    VECS(a, saved);
    VECS(h_t, h);
    for (int64_t j = 0; j < 2 * H; j++) h_t[j] = N(tanh)(a[j]);
}

INLINE void N(rnn_back)(int64_t H, REAL *saved, const REAL *dh) {
    VECS(h_t, saved);
    VECS(d, dh);
    for (int64_t j = 0; j < 2 * H; j++) h_t[j] = d[j] - d[j] * h_t[j] * h_t[j];
}

INLINE void N(lstm)(int64_t H, REAL *saved, REAL *h, REAL *c) {
    VECS(o, saved);
    VECS(c_t, c);
    VECS(h_t, h);
    VEC *i = o + 2 * H, *f = i + 2 * H, *g = f + 2 * H, *tanh_c = g + 2 * H, *c_before = tanh_c + 2 * H;
    for (int64_t j = 0; j < 2 * H; j++) {
        o[j] = N(sigma)(o[j]);
        i[j] = N(sigma)(i[j]);
        f[j] = N(sigma)(f[j]);
        g[j] = N(tanh)(g[j]);
        c_before[j] = c_t[j];
        c_t[j] = f[j] * c_t[j] + i[j] * g[j];
        tanh_c[j] = N(tanh)(c_t[j]);
        h_t[j] = o[j] * tanh_c[j];
    }
}

INLINE void N(lstm_back)(int64_t H, REAL *saved, const REAL *dh, REAL *dc) {
    VECS(o, saved);
    VECS(d, dh);
    VECS(d_c, dc);
    VEC *i = o + 2 * H, *f = i + 2 * H, *g = f + 2 * H, *tanh_c = g + 2 * H, *c_before = tanh_c + 2 * H;
    for (int64_t j = 0; j < 2 * H; j++) {
        VEC o_j = o[j], i_j = i[j], f_j = f[j], g_j = g[j], tanh_j = tanh_c[j];
        VEC dc_j = d_c[j] + d[j] * o_j * (1 - tanh_j * tanh_j);
        o[j] = d[j] * tanh_j * o_j * (1 - o_j);
        i[j] = dc_j * g_j * i_j * (1 - i_j);
        f[j] = dc_j * c_before[j] * f_j * (1 - f_j);
        g[j] = dc_j * i_j * (1 - g_j * g_j);
        d_c[j] = dc_j * f_j;
    }
}

INLINE void N(gru)(int64_t H, REAL *saved, REAL *h, const REAL *bias) {
    VECS(n, saved);
    VECS(h_t, h);
    VEC *r = n + 2 * H, *z = r + 2 * H, *u = z + 2 * H;
    for (int64_t j = 0; j < 2 * H; j++) {
        r[j] = N(sigma)(r[j]);
        z[j] = N(sigma)(z[j]);
        u[j] += bias[j / 2];
        n[j] = N(tanh)(n[j] + r[j] * u[j]);
        h_t[j] = n[j] + z[j] * (h_t[j] - n[j]);
    }
}

/* h (H, W): h_{t-1}. Turns dh into the part of dh_{t-1} that bypasses the gates. */
INLINE void N(gru_back)(int64_t H, REAL *saved, const REAL *h, REAL *dh) {
    VECS(n, saved);
    VECS(h_before, h);
    VECS(d, dh);
    VEC *r = n + 2 * H, *z = r + 2 * H, *u = z + 2 * H;
    for (int64_t j = 0; j < 2 * H; j++) {
        VEC r_j = r[j], z_j = z[j], n_j = n[j], dv = d[j] * (1 - z_j) * (1 - n_j * n_j);
        n[j] = dv;
        r[j] = dv * u[j] * r_j * (1 - r_j);
        z[j] = d[j] * (h_before[j] - n_j) * z_j * (1 - z_j);
        u[j] = dv * r_j;
        d[j] *= z_j;
    }
}

/* --- a layer ------------------------------------------------------------------------------------------------- */

/* Sizes of the arrays `ahead`, `back_h`, `back_x`, `saved` and `scratch`. */
void N(sizes)(const struct N(layer) *l, int64_t sizes[5]) {
    int64_t H = l->hidden, I = l->inputs, K = H + I + 1, panels = (l->batch + W - 1) / W;
    int64_t gates = N(gates)(l), more = ROWS * W; /* the extra rows that a tile writes */
    struct block blocks[3];
    sizes[0] = 0;
    for (int i = 0, count = N(blocks)(l, blocks); i < count; i++)
        sizes[0] += PADDED(blocks[i].rows) * (blocks[i].k1 - blocks[i].k0);
    sizes[1] = l->rolling ? 0 : PADDED(H) * gates;
    sizes[2] = l->rolling ? 0 : PADDED(I) * gates;
    sizes[3] = (l->rolling ? 1 : panels * l->steps) * N(saved_rows)(l) * W + more;
    sizes[4] = l->rolling ? (K + 3 * H) * W : (5 * H + K + LANES + (H > I ? H : I)) * W + more + (PIECE * W + N(total_rows)(l)) * N(width)(l);
}

/* Pack the weights. */
KERNEL void N(load)(struct N(layer) *l) {
    int64_t H = l->hidden, I = l->inputs, K = H + I + 1;
    struct block blocks[3];
    REAL *to = l->ahead;
    for (int i = 0, count = N(blocks)(l, blocks); i < count; i++) {
        struct block b = blocks[i];
        N(pack)(b.rows, b.k1 - b.k0, l->weight + b.weight * K + b.k0, K, 1, to);
        to += PADDED(b.rows) * (b.k1 - b.k0);
    }
    if (l->rolling) return;
    int64_t gates = N(gates)(l);
    N(pack)(H, gates, l->weight, 1, K, l->back_h);
    if (l->cell != GRU) {
        N(pack)(I, gates, l->weight + H, 1, K, l->back_x);
        return;
    }
    const REAL *n = l->weight + 2 * H * K + H, *r_z = l->weight + H;
    for (int64_t r = 0; r < I; r += ROWS) { /* the order of the gates is n, r, z here */
        int64_t rows = I - r < ROWS ? I - r : ROWS;
        N(pack)(rows, H, n + r, 1, K, l->back_x + r * gates);
        N(pack)(rows, 2 * H, r_z + r, 1, K, l->back_x + r * gates + ROWS * H);
    }
}

/* Runs all steps, from the initial state to the final one. */
KERNEL void N(forward)(struct N(layer) *l) {
    int64_t H = l->hidden, I = l->inputs, B = l->batch, K = H + I + 1, rows = N(saved_rows)(l);
    unsigned mode = _mm_getcsr();
    _mm_setcsr(mode | 0x8040); /* flush subnormal numbers to zero: many processors are slow on them */
    struct block blocks[3];
    int count = N(blocks)(l, blocks);
    REAL *s = l->scratch, *c = s + K * W, *old = c + H * W, *saved = l->saved;
    for (int64_t at = 0; at < B; at += W) {
        int64_t n = B - at < W ? B - at : W;
        N(gather)(s, l->first_h + at, H, B, n);
        for (int64_t i = 0; i < W; i++) s[(K - 1) * W + i] = 1;
        if (l->cell == LSTM) N(gather)(c, l->first_c + at, H, B, n);
        for (int64_t t = 0; t < l->steps; t++, saved += l->rolling ? 0 : rows * W) {
            const REAL *left = l->ahead, *mask = l->mask ? l->mask + t * B + at : 0;
            N(gather)(s + H * W, l->x + t * I * B + at, I, B, n);
            for (int i = 0; i < count; i++) {
                struct block b = blocks[i];
                N(product)(b.rows, b.k1 - b.k0, left, s + b.k0 * W, saved + b.saved * W);
                left += PADDED(b.rows) * (b.k1 - b.k0);
            }
            if (mask) {
                memcpy(old, s, H * W * sizeof(REAL));
                memcpy(old + H * W, c, H * W * sizeof(REAL));
            }
            if (l->cell == RNN) N(rnn)(H, saved, s);
            else if (l->cell == LSTM) N(lstm)(H, saved, s, c);
            else N(gru)(H, saved, s, l->bias);
            if (mask) {
                N(keep)(s, old, H, mask, n);
                N(keep)(c, old + H * W, H, mask, n);
            }
            memcpy(saved + (rows - H) * W, s, H * W * sizeof(REAL));
            if (l->every) N(scatter)(s, l->h + t * H * B + at, H, B, n);
        }
        if (!l->every) N(scatter)(s, l->h + at, H, B, n);
        if (l->cell == LSTM) N(scatter)(c, l->c + at, H, B, n);
    }
    _mm_setcsr(mode);
}

/* Goes back over all steps: turns d from the derivative by the final state into that by the initial state. */
KERNEL void N(backward)(struct N(layer) *l) {
    int64_t H = l->hidden, I = l->inputs, B = l->batch, T = l->steps, K = H + I + 1, rows = N(saved_rows)(l);
    unsigned mode = _mm_getcsr();
    _mm_setcsr(mode | 0x8040);
    struct block blocks[3];
    int count = N(blocks)(l, blocks);
    int64_t gates = N(gates)(l);
    int64_t of_h = l->cell == GRU ? H : 0;       /* where in `saved` the rows that read h begin */
    int64_t width = N(width)(l), total_rows = N(total_rows)(l);
    REAL *dh = l->scratch, *dc = dh + H * W, *old = dc + H * W, *s = old + 2 * H * W;
    REAL *out = s + (K + LANES) * W;             /* H or I rows and five more */
    REAL *turned = out + ((H > I ? H : I) + ROWS) * W;
    REAL *d_u = turned + PIECE * W * width, *total = d_u + H * W;
    memset(d_u, 0, (H * W + total_rows * width) * sizeof(REAL));
    for (int64_t at = 0; at < B; at += W) {
        int64_t n = B - at < W ? B - at : W, piece = 0;
        REAL *saved = l->saved + (at / W + 1) * T * rows * W;
        N(gather)(dh, l->d + at, H, B, n);
        if (l->cell == LSTM) N(gather)(dc, l->d + H * B + at, H, B, n);
        for (int64_t t = T - 1; t >= 0; t--) {
            const REAL *mask = l->mask ? l->mask + t * B + at : 0;
            saved -= rows * W;
            if (l->d_outputs) {
                VECS(d, dh);
                N(gather)(out, l->d_outputs + t * H * B + at, H, B, n);
                for (int64_t j = 0; j < 2 * H; j++) d[j] += ((VEC *)out)[j];
            }
            if (mask) {
                memcpy(old, dh, H * W * sizeof(REAL));
                memcpy(old + H * W, dc, H * W * sizeof(REAL));
            }
            if (t) memcpy(s, saved - H * W, H * W * sizeof(REAL));
            else N(gather)(s, l->first_h + at, H, B, n);
            if (l->cell == RNN) N(rnn_back)(H, saved, dh);
            else if (l->cell == LSTM) N(lstm_back)(H, saved, dh, dc);
            else N(gru_back)(H, saved, s, dh);
            if (mask) {
                N(keep)(saved, 0, of_h + gates, mask, n);
                N(keep)(dc, old + H * W, H, mask, n);
            }
            N(product)(H, gates, l->back_h, saved + of_h * W, out);
            if (l->cell == GRU) {
                VECS(d, dh);
                VECS(sum, d_u);
                for (int64_t j = 0; j < 2 * H; j++) {
                    d[j] += ((VEC *)out)[j];
                    sum[j] += ((VEC *)saved)[6 * H + j];
                }
            } else {
                memcpy(dh, out, H * W * sizeof(REAL));
            }
            if (mask) N(keep)(dh, old, H, mask, n);
            if (l->d_inputs) {
                N(product)(I, gates, l->back_x, saved, out);
                N(scatter)(out, l->d_inputs + t * I * B + at, I, B, n);
            }
            piece++;
            REAL *turn = turned + (PIECE - piece) * W * width;
            N(gather)(s + H * W, l->x + t * I * B + at, I, B, n);
            for (int64_t i = 0; i < W; i++) s[(K - 1) * W + i] = 1;
            N(turn)(s, K, turn, width);
            if (piece == PIECE || t == 0) {
                REAL *sum = total;
                for (int i = 0; i < count; i++) {
                    struct block b = blocks[i];
                    N(add_products)(b.rows, b.k1 - b.k0, piece, saved + b.saved * W, rows * W, turn + b.k0,
                                    W * width, width, sum, width);
                    sum += PADDED(b.rows) * width;
                }
                piece = 0;
            }
        }
        N(scatter)(dh, l->d + at, H, B, n);
        if (l->cell == LSTM) N(scatter)(dc, l->d + H * B + at, H, B, n);
    }
    const REAL *sum = total;
    for (int i = 0; i < count; i++) {
        struct block b = blocks[i];
        for (int64_t r = 0; r < b.rows; r++)
            memcpy(l->d_weight + (b.weight + r) * K + b.k0, sum + r * width, (b.k1 - b.k0) * sizeof(REAL));
        sum += PADDED(b.rows) * width;
    }
    if (l->cell == GRU)
        for (int64_t j = 0; j < H; j++) {
            l->d_bias[j] = 0;
            for (int64_t i = 0; i < W; i++) l->d_bias[j] += d_u[j * W + i];
        }
    _mm_setcsr(mode);
}

#undef VEC
#undef LANES
#undef W
#undef VECS
#undef DOUBLE

#endif
