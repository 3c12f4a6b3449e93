/* A recurrent layer through time, forward and back, in one call: what `cells` does step by step with NumPy.

Notation as in cells/base.py. It is faster than NumPy for three reasons. No interpreter runs between two steps, so
threads never wait for its lock. The gates of a step are still in the nearest caches when their nonlinearities are
computed. And small products avoid the set-up cost of a general library.

    this file      what Python asks: which forms does this processor run?
    layer.h        a layer: memory, all steps forward and back
    products.h     its matrix products
    cells.h        its nonlinearities, and one step of each cell
    avx2.h, avx512.h, neon.h
                   a form: one instruction set's vectors, and the four things that C cannot say. Each includes
                   template.h, which compiles the three files above in float and in double, so `forward` becomes
                   `forward_f32_avx2` and so on

Written with the vector types of GCC and Clang. With other compilers, and for other processors, there is no form, and
NumPy does the work.

Every sum runs in the same order in every form, each product is fused with its addition, and no approximate
instruction is used. So all forms give the same bytes. */

#include <stdint.h>

#ifdef _WIN32
#define EXPORT __declspec(dllexport)
EXPORT void *PyInit__kernels(void) { return 0; } /* the linker wants it; Python loads the library by ctypes */
#else
#define EXPORT __attribute__((visibility("default")))
#endif

#if defined(__GNUC__) && !defined(_WIN32) && defined(__x86_64__)
#define X86
#elif defined(__GNUC__) && !defined(_WIN32) && defined(__aarch64__) && !defined(__AARCH64EB__)
#define ARM64
#endif

#if defined(X86) || defined(ARM64)
#include <math.h>
#include <string.h>

#define PANEL 32 /* columns of a panel, the same in all forms: sums over columns depend on it */
#define NARROW 16
#define PIECE 4 /* steps of a panel whose products are added to the gradient by the weights at once */
#define REST 4  /* most columns of a block beyond a multiple of 16 that `add_rest` sums */
#define STREAMED (8 << 20) /* bytes of saved gates that no cache keeps: written past it */
#define SUFFIXED(name, real, form) name##_##real##_##form
#define NAMED(name, real, form) SUFFIXED(name, real, form)

enum { RNN, GRU, LSTM }; /* `Cell.kernel` in cells/ */

/* Gates that read the rows k0 … k1-1 of s: their first row in the weight, their number, their first row in `gates`. */
struct block { int64_t weight, rows, k0, k1, gates; };

#ifdef X86
#include "avx2.h"
#include "avx512.h"
#include <cpuid.h>

/* Whether the operating system saves the registers in `needed` (a mask of XCR0). */
static int enabled(unsigned needed) {
    unsigned a, b, c, d, low, high;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c >> 27 & 1)) return 0; /* OSXSAVE */
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (low & needed) == needed;
}

static int runs_avx2(void) {
    unsigned a, b, c, d;
    if (!enabled(0x6) || !__get_cpuid(1, &a, &b, &c, &d) || !(c >> 12 & 1)) return 0; /* FMA */
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && b >> 5 & 1;
}

static int runs_avx512(void) {
    unsigned a, b, c, d, needed = 1u << 16 | 1u << 17 | 1u << 30 | 1u << 31; /* F, DQ, BW, VL */
    return runs_avx2() && enabled(0xe6) && __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & needed) == needed;
}

#define SAME_LAYOUT(size) ((size) == sizeof(struct layer_f32_avx2))
#else
#include "neon.h"
#define SAME_LAYOUT(size) ((size) == sizeof(struct layer_f32_neon))
#endif
#endif

/* The forms that this processor runs, best first, separated by blanks. None if the caller has another layout: `size`
   is that of its layer. */
EXPORT const char *kernel_forms(int64_t size) {
#if defined(X86)
    if (SAME_LAYOUT(size)) return runs_avx512() ? "avx512 avx2" : runs_avx2() ? "avx2" : "";
#elif defined(ARM64)
    if (SAME_LAYOUT(size)) return "neon";
#endif
    return size ? "" : "";
}
