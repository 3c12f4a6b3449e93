/* Nonlinearities, and one step of a panel of each cell: each forward next to its backward.

H units of W columns; `count` = H·W/LANES vectors. `gates` (rows of a panel): the sums that the nonlinearities take,
then, going back, the derivatives by them, in the order of `saved`. `past`: write to `saved` past the caches.

    saved      RNN   h_t                LSTM  o, i, f, g, tanh c_t, c_t; h_t is o tanh c_t
               GRU   n, r, z, u, h_t    the rows that read x (n, r, z) and those that read h (r, z, u) are contiguous */

/* x P(x²) / Q(x²) with P and Q of degree 4, the coefficients from the highest on. */
#define QUOTIENT(x, u, p4, p3, p2, p1, p0, q4, q3, q2, q1) \
    (x * ((((p4 * u + p3) * u + p2) * u + p1) * u + p0) / ((((q4 * u + q3) * u + q2) * u + q1) * u + 1.0f))

/* Fitted to tanh for the smallest relative error up to 8.5; there tanh is 1 − 8e-8. In single precision the error is
   at most 4e-7; double precision calls the C library. */
INLINE VEC N(tanh)(VEC x) {
#ifdef DOUBLE
    for (int i = 0; i < LANES; i++) x[i] = tanh(x[i]);
    return x;
#else
    x = CLIP(x, 8.5f);
    VEC u = x * x;
    return QUOTIENT(x, u, 1.4269203596e-08f, 2.1251024009e-05f, 3.5340255126e-03f, 1.3413245976e-01f, 1.0f,
                    8.1451128153e-07f, 3.3488628105e-04f, 2.6022747159e-02f, 4.6746569872e-01f);
#endif
}

/* ½ tanh(x/2) + ½; the halves are in the coefficients. */
INLINE VEC N(sigma)(VEC x) {
#ifdef DOUBLE
    return 0.5 * N(tanh)(0.5 * x) + 0.5;
#else
    x = CLIP(x, 17.0f);
    VEC u = x * x;
    return QUOTIENT(x, u, 1.4269203596e-08f / 1024, 2.1251024009e-05f / 256, 3.5340255126e-03f / 64,
                    1.3413245976e-01f / 16, 0.25f, 8.1451128153e-07f / 256, 3.3488628105e-04f / 64,
                    2.6022747159e-02f / 16, 4.6746569872e-01f / 4) + 0.5f;
#endif
}

INLINE void N(save)(VEC *to, VEC value, int past) {
    if (past) STREAM(to, value);
    else *to = value;
}

INLINE void N(rnn)(int64_t count, const REAL *gates, REAL *h) {
    VECS(a, gates);
    VECS(h_t, h);
    for (int64_t j = 0; j < count; j++) h_t[j] = N(tanh)(a[j]);
}

INLINE void N(rnn_back)(int64_t count, const REAL *saved, REAL *gates, const REAL *dh) {
    VECS(h_t, saved);
    VECS(a, gates);
    VECS(d, dh);
    for (int64_t j = 0; j < count; j++) a[j] = d[j] - d[j] * h_t[j] * h_t[j];
}

INLINE void N(lstm)(int64_t count, const REAL *gates, REAL *saved, REAL *h, REAL *c, int past) {
    VECS(a, gates);
    VECS(to, saved);
    VECS(c_t, c);
    VECS(h_t, h);
    for (int64_t j = 0; j < count; j++) {
        VEC o = N(sigma)(a[j]), i = N(sigma)(a[j + count]);
        VEC f = N(sigma)(a[j + 2 * count]), g = N(tanh)(a[j + 3 * count]);
        c_t[j] = f * c_t[j] + i * g;
        VEC tanh_c = N(tanh)(c_t[j]);
        h_t[j] = o * tanh_c;
        N(save)(to + j, o, past);
        N(save)(to + j + count, i, past);
        N(save)(to + j + 2 * count, f, past);
        N(save)(to + j + 3 * count, g, past);
        N(save)(to + j + 4 * count, tanh_c, past);
    }
}

/* h = o tanh c. */
INLINE void N(lstm_state)(int64_t count, const REAL *saved, REAL *h) {
    VECS(o, saved);
    VECS(h_t, h);
    for (int64_t j = 0; j < count; j++) h_t[j] = o[j] * o[j + 4 * count];
}

INLINE void N(lstm_back)(int64_t count, const REAL *saved, const REAL *c_before, REAL *gates, const REAL *dh, REAL *dc) {
    VECS(o, saved);
    VECS(before, c_before);
    VECS(a, gates);
    VECS(d, dh);
    VECS(d_c, dc);
    for (int64_t j = 0; j < count; j++) {
        VEC o_j = o[j], i_j = o[j + count], f_j = o[j + 2 * count], g_j = o[j + 3 * count];
        VEC tanh_j = o[j + 4 * count], d_j = d[j];
        VEC dc_j = d_c[j] + d_j * o_j * (1 - tanh_j * tanh_j);
        a[j] = d_j * tanh_j * o_j * (1 - o_j);
        a[j + count] = dc_j * g_j * i_j * (1 - i_j);
        a[j + 2 * count] = dc_j * before[j] * f_j * (1 - f_j);
        a[j + 3 * count] = dc_j * i_j * (1 - g_j * g_j);
        d_c[j] = dc_j * f_j;
    }
}

/* bias (H); W / LANES vectors of a unit. */
INLINE void N(gru)(int64_t count, const REAL *gates, REAL *saved, REAL *h, const REAL *bias, int64_t W, int past) {
    VECS(a, gates);
    VECS(to, saved);
    VECS(h_t, h);
    for (int64_t j = 0; j < count; j++) {
        VEC r = N(sigma)(a[j + count]), z = N(sigma)(a[j + 2 * count]);
        VEC u = a[j + 3 * count] + bias[j / (W / LANES)];
        VEC n = N(tanh)(a[j] + r * u);
        h_t[j] = n + z * (h_t[j] - n);
        N(save)(to + j, n, past);
        N(save)(to + j + count, r, past);
        N(save)(to + j + 2 * count, z, past);
        N(save)(to + j + 3 * count, u, past);
    }
}

/* h (H, W): h_{t-1}. Turns dh into the part of dh_{t-1} that bypasses the gates. */
INLINE void N(gru_back)(int64_t count, const REAL *saved, REAL *gates, const REAL *h, REAL *dh) {
    VECS(n, saved);
    VECS(a, gates);
    VECS(h_before, h);
    VECS(d, dh);
    for (int64_t j = 0; j < count; j++) {
        VEC n_j = n[j], r_j = n[j + count], z_j = n[j + 2 * count], d_j = d[j];
        VEC dv = d_j * (1 - z_j) * (1 - n_j * n_j);
        a[j] = dv;
        a[j + count] = dv * n[j + 3 * count] * r_j * (1 - r_j);
        a[j + 2 * count] = d_j * (h_before[j] - n_j) * z_j * (1 - z_j);
        a[j + 3 * count] = dv * r_j;
        d[j] = d_j * z_j;
    }
}
