/* 64-bit Arm, where every processor has NEON: 32 registers of 4 numbers. A tile of 8
   rows keeps 16 sums in registers, enough for four multipliers of a latency of four, and leaves room for the eight
   numbers that they are multiplied by: with 12 rows the compiler moves some to memory and back. */

#include <arm_neon.h>

#define FORM neon
#define TARGET
#define VECTOR 16
#define ROWS 8
#define CLIP(x, most) (VEC) clip_neon((float32x4_t)(x), most)
#define TURN turn_neon
#define STREAM(to, value) (*(to) = (value))
#define FLUSH flush_neon
#define RESTORE restore_neon

static inline uint64_t flush_neon(void) {
    uint64_t mode;
    __asm__ volatile("mrs %0, fpcr" : "=r"(mode));
    __asm__ volatile("msr fpcr, %0" : : "r"(mode | 1u << 24));
    return mode;
}

static inline void restore_neon(uint64_t mode) { __asm__ volatile("msr fpcr, %0" : : "r"(mode)); }

/* Between −most and most; NaN stays. */
static inline float32x4_t clip_neon(float32x4_t x, float most) {
    return vmaxq_f32(vdupq_n_f32(-most), vminq_f32(vdupq_n_f32(most), x));
}

/* 4 rows of 4 numbers, transposed. */
static inline void turn_neon(const float *from, int64_t stride, float *to, int64_t width) {
    float32x4_t a[4];
    for (int k = 0; k < 4; k++) a[k] = vld1q_f32(from + k * stride);
    float32x4x2_t p = vtrnq_f32(a[0], a[1]), q = vtrnq_f32(a[2], a[3]);
    for (int k = 0; k < 2; k++) {
        vst1q_f32(to + k * width, vcombine_f32(vget_low_f32(p.val[k]), vget_low_f32(q.val[k])));
        vst1q_f32(to + (k + 2) * width, vcombine_f32(vget_high_f32(p.val[k]), vget_high_f32(q.val[k])));
    }
}

#include "template.h"
