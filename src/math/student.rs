//! The tail of Student's t distribution.
//!
//! P(|T| >= t) with f degrees of freedom is the regularised incomplete beta function I of f / (f + t²) with
//! parameters f/2 and 1/2. I is a continued fraction (Abramowitz, Stegun 1964, 26.5.8 and 26.7.1), worked out
//! from its start by the method of Lentz as Thompson and Barnett (1986) changed it.

/// How probable a value at least so far from 0 is, on either side.
///
/// Shape: `freedom` above 0, need not be whole; `t` any number, infinite too.
pub fn student_two_sided(t: f64, freedom: f64) -> f64 {
    if t.is_nan() || t == 0.0 {
        return 1.0;
    }
    beta_share(freedom / (freedom + t * t), freedom / 2.0, 0.5).clamp(0.0, 1.0)
}

/// The t beyond which the share `outside` lies, both sides together; by bisection.
///
/// Shape: `outside` between 0 and 1, both excluded.
pub fn student_border(outside: f64, freedom: f64) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    while student_two_sided(high, freedom) > outside && high < 1e9 {
        high *= 2.0;
    }
    for _ in 0..60 {
        let middle = (low + high) / 2.0;
        if student_two_sided(middle, freedom) > outside { low = middle } else { high = middle }
    }
    high
}

/// The regularised incomplete beta function.
fn beta_share(x: f64, a: f64, b: f64) -> f64 {
    if x <= 0.0 || x >= 1.0 {
        return if x <= 0.0 { 0.0 } else { 1.0 };
    }
    let front = (ln_gamma(a + b) - ln_gamma(a) - ln_gamma(b) + a * x.ln() + b * (1.0 - x).ln()).exp();
    // The fraction converges fast below the mean; above it the mirrored one does.
    if x < (a + 1.0) / (a + b + 2.0) { front * fraction(x, a, b) / a } else { 1.0 - front * fraction(1.0 - x, b, a) / b }
}

fn fraction(x: f64, a: f64, b: f64) -> f64 {
    let tiny = |value: f64| if value.abs() < 1e-300 { 1e-300 } else { value };
    let mut c = 1.0;
    let mut d = 1.0 / tiny(1.0 - (a + b) * x / (a + 1.0));
    let mut all = d;
    for step in 1..300 {
        let m = f64::from(step);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        d = 1.0 / tiny(1.0 + even * d);
        c = tiny(1.0 + even / c);
        all *= c * d;
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        d = 1.0 / tiny(1.0 + odd * d);
        c = tiny(1.0 + odd / c);
        all *= c * d;
        if (c * d - 1.0).abs() < 1e-15 {
            break;
        }
    }
    all
}

/// The logarithm of the gamma function: Stirling's series (6.1.41) where it is exact, reached by recurrence.
fn ln_gamma(x: f64) -> f64 {
    let (mut x, mut product) = (x, 1.0);
    while x < 10.0 {
        product *= x;
        x += 1.0;
    }
    let inverse = 1.0 / (x * x);
    let series = (1.0 / 12.0 - inverse * (1.0 / 360.0 - inverse * (1.0 / 1260.0 - inverse / 1680.0))) / x;
    (x - 0.5) * x.ln() - x + 0.5 * std::f64::consts::TAU.ln() + series - f64::ln(product)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_borders_of_the_tables_come_out() {
        // Abramowitz, Stegun, table 26.10: two-sided borders.
        let cases =
            [(1.0, 0.05, 12.706), (2.0, 0.05, 4.303), (5.0, 0.01, 4.032), (10.0, 0.05, 2.228), (30.0, 0.001, 3.646), (1e7, 0.05, 1.960)];
        for (freedom, outside, border) in cases {
            assert!((student_border(outside, freedom) - border).abs() < 6e-4, "{freedom} {outside}: {}", student_border(outside, freedom));
            assert!((student_two_sided(border, freedom) - outside).abs() < 2e-4 * outside.max(0.1));
        }
        // One degree of freedom is Cauchy's: P = 1 - 2 atan(t) / pi.
        let cauchy = 1.0 - 2.0 * 3f64.atan() / std::f64::consts::PI;
        assert!((student_two_sided(3.0, 1.0) - cauchy).abs() < 1e-12);
        assert_eq!((student_two_sided(0.0, 3.0), student_two_sided(f64::INFINITY, 3.0)), (1.0, 0.0));
    }
}
