//! Many tests at once: p corrected for how many there were.
//!
//! [`benjamini_hochberg`] keeps the false discovery rate: of all that are called different at `q`, at most
//! the share `q` is not, on average. It holds for independent tests and for those that depend positively
//! on one another, as metrics of one system do (Benjamini, Yekutieli 2001).
//!
//! Source: Benjamini, Hochberg (1995), Controlling the false discovery rate, J. R. Statist. Soc. B 57(1).

/// Corrects p for the false discovery rate: the least rate at which each test is still called significant.
///
/// Shape: each p within 0 to 1; gives as many, in the same order. With p sorted ascending, p(i) of m becomes the least
/// of p(j)·m/j over j >= i.
pub fn benjamini_hochberg(p: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|one, other| p[*other].total_cmp(&p[*one]));
    let mut corrected = vec![1.0; p.len()];
    let mut least = 1.0_f64;
    for (before, at) in order.into_iter().enumerate() {
        let rank = (p.len() - before) as f64;
        least = least.min(p[at] * p.len() as f64 / rank);
        corrected[at] = least;
    }
    corrected
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_worked_example_of_the_paper_comes_out() {
        // Table of section 3.2: at 0.05 the four least are significant, at 0.05/15 by Bonferroni only three.
        let p = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0];
        let corrected = benjamini_hochberg(&p);
        assert_eq!(corrected.iter().filter(|q| **q <= 0.05).count(), 4);
        assert!((corrected[3] - 0.0095 * 15.0 / 4.0).abs() < 1e-12);
        assert_eq!(benjamini_hochberg(&[]), Vec::<f64>::new());
    }

    proptest! {
        #[test]
        fn the_order_is_kept_and_no_p_becomes_less(p in prop::collection::vec(0.0..=1.0f64, 1..50)) {
            let corrected = benjamini_hochberg(&p);
            for (one, q) in p.iter().zip(&corrected) {
                prop_assert!(*q >= *one - 1e-12 && *q <= 1.0);
                for (other, r) in p.iter().zip(&corrected) {
                    prop_assert!(one > other || q <= r);
                }
            }
        }
    }
}
