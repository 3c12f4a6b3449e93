/* The kernels of one form in float and in double. A form defines FORM, TARGET, VECTOR (bytes), ROWS (of a tile), and
   the functions of vectors that `layer.h` and `cells.h` use. No include guard: each form includes it. */

#define INLINE static inline __attribute__((always_inline)) TARGET
#define OUTLINE static __attribute__((noinline)) TARGET /* few variables: all its sums stay in registers */
#define KERNEL TARGET
#define PADDED(rows) (((rows) + ROWS - 1) / ROWS * ROWS)
#define VEC N(vec)
#define LANES (VECTOR / (int64_t)sizeof(REAL))
#define VECS(name, p) VEC *name = (VEC *)(p)

#define REAL float
#define WIDE_ONLY 0
#define N(name) NAMED(name, f32, FORM)
#include "products.h"
#include "cells.h"
#include "layer.h"
#undef REAL
#undef WIDE_ONLY
#undef N

#define DOUBLE
#define REAL double
#define WIDE_ONLY 1 /* half the code to compile; only gradient checks run it */
#define N(name) NAMED(name, f64, FORM)
#include "products.h"
#include "cells.h"
#include "layer.h"
#undef DOUBLE
#undef REAL
#undef WIDE_ONLY
#undef N

#undef INLINE
#undef OUTLINE
#undef KERNEL
#undef PADDED
#undef VEC
#undef LANES
#undef VECS
#undef EACH_ROW
#undef MOST_ROWS
#undef QUOTIENT
#undef FORM
#undef TARGET
#undef VECTOR
#undef ROWS
#undef CLIP
#undef TURN
#undef STREAM
#undef FLUSH
#undef RESTORE
