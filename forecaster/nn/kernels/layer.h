/* A layer: its memory, and all its steps forward and back.

    panel      PANEL columns of the batch. Columns are independent up to the gradient by the weights, so a panel runs
               through all steps before the next panel begins, and its state stays in cache. The last panel is NARROW
               where that suffices. It is padded with zeros, which add nothing
    s (K, W)   [h; x; 1] of one step of a panel, K = H + I + 1
    gates      what the nonlinearities of a step take; going back, the derivatives by it, of PIECE steps
    saved      what backward needs, for each panel and step R rows of W: see cells.h */

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

/* The same numbers for all functions below. */
struct N(plan) {
    int64_t H, I, B, K;
    int64_t rows;                 /* of a step in `saved` */
    int64_t gate_rows;            /* of a step in `gates`, without those that a tile writes more */
    int64_t gates;                /* rows of the weight; dh_{t-1} and dx_t each sum over as many derivatives */
    int64_t of_h;                 /* where in `gates` the rows that read h begin */
    int64_t width;                /* of the sum of the gradient by the weights, and of s turned */
    int64_t turned;               /* rows of s that `add_products` reads */
    int64_t total, rest;          /* numbers in the sums of `add_products` and `add_rest` */
    int count;
    struct block blocks[3];
};

/* Columns of a block that `add_rest` sums; its other columns are `add_products`'. */
INLINE int64_t N(rest)(struct block b) {
    int64_t more = (b.k1 - b.k0) % NARROW;
    return more <= REST ? more : 0;
}

TARGET static struct N(plan) N(plan)(const struct N(layer) *l) {
    int64_t H = l->hidden, I = l->inputs, K = H + I + 1;
    int64_t gates = (l->cell == LSTM ? 4 : l->cell == GRU ? 3 : 1) * H;
    struct N(plan) p = {.H = H, .I = I, .B = l->batch, .K = K, .gates = gates, .gate_rows = gates, .count = 1};
    p.rows = (l->cell == LSTM ? 6 : l->cell == GRU ? 5 : 1) * H;
    p.width = (K + 2 * LANES - 1) / LANES * LANES;
    p.blocks[0] = (struct block){0, gates, 0, K, 0};
    if (l->cell == GRU) {
        p.of_h = H, p.gate_rows = 4 * H, p.count = 3;
        p.blocks[0] = (struct block){2 * H, H, H, K, 0};     /* v, of n */
        p.blocks[1] = (struct block){0, 2 * H, 0, K, H};     /* r, z */
        p.blocks[2] = (struct block){2 * H, H, 0, H, 3 * H}; /* u */
    }
    for (int i = 0; i < p.count; i++) {
        int64_t rest = N(rest)(p.blocks[i]), last = p.blocks[i].k1 - rest;
        p.total += PADDED(p.blocks[i].rows) * p.width;
        p.rest += p.blocks[i].rows * rest * PANEL;
        if (last > p.turned) p.turned = last;
    }
    return p;
}

/* Sizes of the arrays `ahead`, `back_h`, `back_x`, `saved` and `scratch`. */
EXPORT KERNEL void N(sizes)(const struct N(layer) *l, int64_t sizes[5]) {
    struct N(plan) p = N(plan)(l);
    int64_t H = p.H, panels = (p.B + PANEL - 1) / PANEL, more = ROWS * PANEL; /* the extra rows that a tile writes */
    sizes[0] = 0;
    for (int i = 0; i < p.count; i++) sizes[0] += PADDED(p.blocks[i].rows) * (p.blocks[i].k1 - p.blocks[i].k0);
    sizes[1] = l->rolling ? 0 : PADDED(H) * p.gates;
    sizes[2] = l->rolling ? 0 : PADDED(p.I) * p.gates;
    sizes[3] = (l->rolling ? 1 : panels * l->steps) * p.rows * PANEL;
    int64_t ahead = (p.K + 3 * H + p.gate_rows) * PANEL + more;
    int64_t back = (6 * H + (H > p.I ? H : p.I) + LANES + PIECE * (p.K + p.gate_rows + p.width)) * PANEL + 3 * more +
                   p.total + p.rest;
    sizes[4] = l->rolling || ahead > back ? ahead : back;
}

/* --- panels -------------------------------------------------------------------------------------------------- */

/* Copies rows of `n` columns, `stride` apart, into a panel; zeros after them. */
INLINE void N(gather)(REAL *panel, const REAL *from, int64_t rows, int64_t stride, int64_t n, int64_t W) {
    for (int64_t j = 0; j < rows; j++, panel += W, from += stride) {
        if (n == W) {
            memcpy(panel, from, W * sizeof(REAL));
        } else {
            memset(panel, 0, W * sizeof(REAL));
            memcpy(panel, from, n * sizeof(REAL));
        }
    }
}

INLINE void N(scatter)(const REAL *panel, REAL *to, int64_t rows, int64_t stride, int64_t n, int64_t W) {
    for (int64_t j = 0; j < rows; j++, panel += W, to += stride) {
        if (n == W) memcpy(to, panel, W * sizeof(REAL));
        else memcpy(to, panel, n * sizeof(REAL));
    }
}

INLINE void N(copy)(int64_t count, REAL *to, const REAL *from, int past) {
    VECS(a, to);
    const VECS(b, from);
    for (int64_t j = 0; j < count; j++) N(save)(a + j, b[j], past);
}

INLINE void N(add)(int64_t count, REAL *to, const REAL *from) {
    VECS(a, to);
    const VECS(b, from);
    for (int64_t j = 0; j < count; j++) a[j] += b[j];
}

INLINE void N(fill)(int64_t n, REAL *to, REAL value) {
    for (int64_t i = 0; i < n; i++) to[i] = value;
}

/* new = old where the mask (n) of this step is 0; without `old`, it is `value`. */
TARGET static void N(keep)(REAL *new, const REAL *old, REAL value, int64_t rows, const REAL *mask, int64_t n, int64_t W) {
    for (int64_t j = 0; j < rows; j++)
        for (int64_t i = 0; i < n; i++)
            if (mask[i] == 0) new[j * W + i] = old ? old[j * W + i] : value;
}

/* The panel (rows, W) transposed: (W, rows), with rows `width` apart. Writes up to LANES - 1 columns more. */
INLINE void N(turn)(const REAL *panel, int64_t rows, REAL *to, int64_t width, int64_t W) {
#ifdef DOUBLE
    for (int64_t i = 0; i < W; i++)
        for (int64_t j = 0; j < rows; j++) to[i * width + j] = panel[j * W + i];
#else
    for (int64_t j = 0; j < rows; j += LANES)
        for (int64_t i = 0; i < W; i += LANES) TURN(panel + j * W + i, W, to + i * width + j, width);
#endif
}

/* --- forward ------------------------------------------------------------------------------------------------- */

/* All steps of the panel of `n` columns from `at` on. */
INLINE void N(panel_forward)(struct N(layer) *l, const struct N(plan) *p, int64_t at, int64_t n, int64_t W) {
    int64_t H = p->H, I = p->I, B = p->B, K = p->K, count = H * W / LANES;
    int past = !l->rolling && B * l->steps * p->rows * (int64_t)sizeof(REAL) > STREAMED;
    REAL *s = l->scratch, *c = s + K * W, *old = c + H * W, *gates = old + 2 * H * W;
    REAL *saved = l->saved + (l->rolling ? 0 : at * l->steps * p->rows), *state = l->cell == LSTM ? c : s;
    N(gather)(s, l->first_h + at, H, B, n, W);
    N(fill)(W, s + (K - 1) * W, 1);
    if (l->cell == LSTM) N(gather)(c, l->first_c + at, H, B, n, W);
    for (int64_t t = 0; t < l->steps; t++, saved += l->rolling ? 0 : p->rows * W) {
        const REAL *left = l->ahead, *mask = l->mask ? l->mask + t * B + at : 0;
        N(gather)(s + H * W, l->x + t * I * B + at, I, B, n, W);
        for (int i = 0; i < p->count; i++) {
            struct block b = p->blocks[i];
            N(product)(b.rows, b.k1 - b.k0, left, s + b.k0 * W, gates + b.gates * W, W);
            left += PADDED(b.rows) * (b.k1 - b.k0);
        }
        if (mask) {
            N(copy)(count, old, s, 0);
            N(copy)(count, old + H * W, c, 0);
        }
        if (l->cell == RNN) N(rnn)(count, gates, s);
        else if (l->cell == LSTM) N(lstm)(count, gates, saved, s, c, past);
        else N(gru)(count, gates, saved, s, l->bias, W, past);
        if (mask) {
            N(keep)(s, old, 0, H, mask, n, W);
            N(keep)(c, old + H * W, 0, H, mask, n, W);
            if (l->cell == LSTM) { /* so that o tanh c is h_t */
                N(keep)(saved, 0, 1, H, mask, n, W);
                N(keep)(saved + 4 * H * W, old, 0, H, mask, n, W);
            }
        }
        N(copy)(count, saved + (p->rows - H) * W, state, past);
        if (l->every) N(scatter)(s, l->h + t * H * B + at, H, B, n, W);
    }
    if (!l->every) N(scatter)(s, l->h + at, H, B, n, W);
    if (l->cell == LSTM) N(scatter)(c, l->c + at, H, B, n, W);
}

/* Runs all steps, from the initial state to the final one. */
EXPORT KERNEL void N(forward)(struct N(layer) *l) {
    struct N(plan) p = N(plan)(l);
    uint64_t mode = FLUSH(); /* subnormal numbers to zero: many processors are slow on them */
    for (int64_t at = 0; at < p.B; at += PANEL) {
        int64_t n = p.B - at < PANEL ? p.B - at : PANEL;
        if (n > NARROW || WIDE_ONLY) N(panel_forward)(l, &p, at, n, PANEL);
        else N(panel_forward)(l, &p, at, n, NARROW);
    }
    RESTORE(mode);
}

/* --- backward ------------------------------------------------------------------------------------------------ */

/* The state before the step whose memory is `saved`: h in s, and c (LSTM), which is returned. */
INLINE const REAL *N(state_before)(struct N(layer) *l, const struct N(plan) *p, const REAL *saved, REAL *s, REAL *c,
                                   int first, int64_t at, int64_t n, int64_t W) {
    int64_t H = p->H, count = H * W / LANES;
    const REAL *before = saved - p->rows * W;
    if (first) {
        N(gather)(s, l->first_h + at, H, p->B, n, W);
        if (l->cell == LSTM) N(gather)(c, l->first_c + at, H, p->B, n, W);
        return c;
    }
    if (l->cell == LSTM) N(lstm_state)(count, before, s);
    else N(copy)(count, s, before + (p->rows - H) * W, 0);
    return before + (p->rows - H) * W;
}

/* Adds the products of `steps` steps to the gradient by the weights: gates and s of each, s turned. */
INLINE void N(add_piece)(const struct N(plan) *p, int64_t steps, const REAL *gates, const REAL *s, const REAL *turned,
                         REAL *total, REAL *rest, int64_t W) {
    int64_t gate_step = p->gate_rows * W;
    for (int i = 0; i < p->count; i++) {
        struct block b = p->blocks[i];
        int64_t few = N(rest)(b), last = b.k1 - few;
        const REAL *left = gates + b.gates * W;
        N(add_products)(b.rows, last - b.k0, steps, left, gate_step, turned + b.k0, W * p->width, p->width, total,
                        p->width, W);
        N(add_rest)(b.rows, few, steps, left, gate_step, s + last * W, p->K * W, rest, W);
        total += PADDED(b.rows) * p->width;
        rest += b.rows * few * PANEL;
    }
}

/* Where `backward` keeps what. */
struct N(room) { REAL *dh, *dc, *old, *c, *out, *s, *gates, *turned, *d_u, *total, *rest; };

TARGET static struct N(room) N(room)(const struct N(layer) *l, const struct N(plan) *p) {
    int64_t H = p->H, more = ROWS * PANEL;
    struct N(room) m = {.dh = l->scratch};
    m.dc = m.dh + H * PANEL + more;
    m.old = m.dc + H * PANEL;
    m.c = m.old + 2 * H * PANEL;
    m.out = m.c + H * PANEL;
    m.s = m.out + (H > p->I ? H : p->I) * PANEL + more;
    m.gates = m.s + (PIECE * p->K + LANES) * PANEL;
    m.turned = m.gates + PIECE * p->gate_rows * PANEL + more;
    m.d_u = m.turned + PIECE * PANEL * p->width;
    m.total = m.d_u + H * PANEL;
    m.rest = m.total + p->total;
    return m;
}

/* One step: dh and dc become the derivatives by the state before it; `gates` those by the gates. */
INLINE void N(step_back)(struct N(layer) *l, const struct N(plan) *p, const struct N(room) *m, const REAL *saved,
                         const REAL *c_before, const REAL *s, REAL *gates, const REAL *mask, int64_t n, int64_t W) {
    int64_t H = p->H, count = H * W / LANES;
    if (mask) {
        N(copy)(count, m->old, m->dh, 0);
        N(copy)(count, m->old + H * W, m->dc, 0);
    }
    if (l->cell == RNN) N(rnn_back)(count, saved, gates, m->dh);
    else if (l->cell == LSTM) N(lstm_back)(count, saved, c_before, gates, m->dh, m->dc);
    else N(gru_back)(count, saved, gates, s, m->dh);
    if (mask) {
        N(keep)(gates, 0, 0, p->gate_rows, mask, n, W);
        N(keep)(m->dc, m->old + H * W, 0, H, mask, n, W);
    }
    if (l->cell == GRU) {
        N(product)(H, p->gates, l->back_h, gates + p->of_h * W, m->out, W);
        N(add)(count, m->dh, m->out);
        for (int64_t j = 0; j < H; j++) N(add)(W / LANES, m->d_u + j * PANEL, gates + (3 * H + j) * W);
    } else {
        N(product)(H, p->gates, l->back_h, gates, m->dh, W);
    }
    if (mask) N(keep)(m->dh, m->old, 0, H, mask, n, W);
}

/* All steps of the panel of `n` columns from `at` on. */
INLINE void N(panel_back)(struct N(layer) *l, const struct N(plan) *p, const struct N(room) *m, int64_t at, int64_t n,
                          int64_t W) {
    int64_t H = p->H, I = p->I, B = p->B, K = p->K, count = H * W / LANES, piece = 0;
    const REAL *saved = l->saved + at * l->steps * p->rows + l->steps * p->rows * W;
    N(gather)(m->dh, l->d + at, H, B, n, W);
    if (l->cell == LSTM) N(gather)(m->dc, l->d + H * B + at, H, B, n, W);
    for (int64_t t = l->steps - 1; t >= 0; t--) {
        int64_t slot = PIECE - ++piece;
        REAL *s = m->s + slot * K * W, *gates = m->gates + slot * p->gate_rows * W;
        saved -= p->rows * W;
        if (l->d_outputs) {
            N(gather)(m->out, l->d_outputs + t * H * B + at, H, B, n, W);
            N(add)(count, m->dh, m->out);
        }
        const REAL *c_before = N(state_before)(l, p, saved, s, m->c, t == 0, at, n, W);
        N(step_back)(l, p, m, saved, c_before, s, gates, l->mask ? l->mask + t * B + at : 0, n, W);
        if (l->d_inputs) {
            N(product)(I, p->gates, l->back_x, gates, m->out, W);
            N(scatter)(m->out, l->d_inputs + t * I * B + at, I, B, n, W);
        }
        N(gather)(s + H * W, l->x + t * I * B + at, I, B, n, W);
        N(fill)(W, s + (K - 1) * W, 1);
        REAL *turned = m->turned + slot * W * p->width;
        N(turn)(s, p->turned, turned, p->width, W);
        if (piece == PIECE || t == 0) {
            N(add_piece)(p, piece, gates, s, turned, m->total, m->rest, W);
            piece = 0;
        }
    }
    N(scatter)(m->dh, l->d + at, H, B, n, W);
    if (l->cell == LSTM) N(scatter)(m->dc, l->d + H * B + at, H, B, n, W);
}

static REAL N(sum)(const REAL *columns) {
    REAL sum = 0;
    for (int64_t i = 0; i < PANEL; i++) sum += columns[i];
    return sum;
}

/* The gradient by the weights from its sums. */
TARGET static void N(gradient)(struct N(layer) *l, const struct N(plan) *p, const struct N(room) *m) {
    const REAL *total = m->total, *rest = m->rest;
    for (int i = 0; i < p->count; i++) {
        struct block b = p->blocks[i];
        int64_t few = N(rest)(b);
        for (int64_t r = 0; r < b.rows; r++) {
            REAL *to = l->d_weight + (b.weight + r) * p->K;
            memcpy(to + b.k0, total + r * p->width, (b.k1 - few - b.k0) * sizeof(REAL));
            for (int64_t k = b.k1 - few; k < b.k1; k++, rest += PANEL) to[k] = N(sum)(rest);
        }
        total += PADDED(b.rows) * p->width;
    }
    if (l->cell == GRU)
        for (int64_t j = 0; j < p->H; j++) l->d_bias[j] = N(sum)(m->d_u + j * PANEL);
}

/* Goes back over all steps: turns d from the derivative by the final state into that by the initial state. */
EXPORT KERNEL void N(backward)(struct N(layer) *l) {
    struct N(plan) p = N(plan)(l);
    struct N(room) m = N(room)(l, &p);
    uint64_t mode = FLUSH();
    memset(m.d_u, 0, (p.H * PANEL + p.total + p.rest) * sizeof(REAL));
    for (int64_t at = 0; at < p.B; at += PANEL) {
        int64_t n = p.B - at < PANEL ? p.B - at : PANEL;
        if (n > NARROW || WIDE_ONLY) N(panel_back)(l, &p, &m, at, n, PANEL);
        else N(panel_back)(l, &p, &m, at, n, NARROW);
    }
    N(gradient)(l, &p, &m);
    RESTORE(mode);
}

/* Packs the weights. */
EXPORT KERNEL void N(load)(struct N(layer) *l) {
    struct N(plan) p = N(plan)(l);
    int64_t H = p.H, I = p.I, K = p.K;
    REAL *to = l->ahead;
    for (int i = 0; i < p.count; i++) {
        struct block b = p.blocks[i];
        N(pack)(b.rows, b.k1 - b.k0, l->weight + b.weight * K + b.k0, K, 1, to);
        to += PADDED(b.rows) * (b.k1 - b.k0);
    }
    if (l->rolling) return;
    N(pack)(H, p.gates, l->weight, 1, K, l->back_h);
    if (l->cell != GRU) {
        N(pack)(I, p.gates, l->weight + H, 1, K, l->back_x);
        return;
    }
    const REAL *n = l->weight + 2 * H * K + H, *r_z = l->weight + H;
    for (int64_t r = 0; r < I; r += ROWS) { /* the order of the gates is n, r, z here */
        int64_t rows = I - r < ROWS ? I - r : ROWS;
        N(pack)(rows, H, n + r, 1, K, l->back_x + r * p.gates);
        N(pack)(rows, 2 * H, r_z + r, 1, K, l->back_x + r * p.gates + ROWS * H);
    }
}
