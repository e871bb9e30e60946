use super::*;
use proptest::prelude::*;

fn near(one: f64, other: f64, relative: f64) -> bool {
    (one - other).abs() <= relative * other.abs()
}

/// Numbers from 0 to 1 that look random, always the same: the `at`-th of SplitMix64 from 0.
fn noise(at: u64) -> f64 {
    (SplitMix64(at.wrapping_mul(0x9e37_79b9_7f4a_7c15)).next() >> 11) as f64 / 2f64.powi(53)
}

fn sorted(values: impl IntoIterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.into_iter().collect();
    sort_values(&mut values);
    values
}

fn mean(values: &[f64]) -> Option<f64> {
    Some(values.iter().sum::<f64>() / values.len() as f64)
}

fn test(one: &[f64], other: &[f64]) -> RankTest {
    mann_whitney(&sorted(one.iter().copied()), &sorted(other.iter().copied())).unwrap()
}

#[test]
fn published_examples_of_the_rank_test_are_met() {
    // The ages of men and women at diagnosis, from the documentation of SciPy's `mannwhitneyu`.
    let ages = test(&[19.0, 22.0, 16.0, 29.0, 24.0], &[20.0, 11.0, 17.0, 12.0]);
    assert_eq!((ages.u, ages.exact, ages.superiority), (17.0, true, 0.85));
    assert!(near(ages.p, 1.0 / 9.0, 1e-14));
    // The example of NAG's routine G08AH: U 86, z -2.8039, one tail 0.0025.
    let one = [13.0, 6.0, 12.0, 7.0, 12.0, 7.0, 10.0, 7.0, 10.0, 7.0, 16.0, 7.0, 10.0, 8.0, 9.0, 8.0];
    let other = [
        17.0, 6.0, 10.0, 8.0, 15.0, 8.0, 15.0, 10.0, 15.0, 10.0, 14.0, 10.0, 14.0, 11.0, 14.0, 11.0, 13.0, 12.0, 13.0, 12.0, 13.0, 12.0,
        12.0,
    ];
    let nag = test(&one, &other);
    assert_eq!((nag.u, nag.exact), (86.0, false));
    assert!(near(nag.p, 0.005_048_845_813_774_743_5, 1e-13), "{nag:?}");
}

#[test]
fn the_exact_test_has_the_published_critical_values() {
    // The greatest U with p of both tails at most 0.05, and that p, by SciPy 1.17.1.
    let cases = [
        (5, 5, 2, 0.031_746_031_746_031_744),
        (8, 8, 13, 0.049_883_449_883_449_88),
        (10, 10, 23, 0.043_257_052_544_978_23),
        (15, 15, 64, 0.045_333_899_097_922_65),
        (20, 20, 127, 0.049_090_325_189_372_44),
        (7, 12, 18, 0.044_931_332_857_029_45),
        (3, 20, 8, 0.046_301_524_562_394_12),
    ];
    for (n, m, u, p) in cases {
        // A U of the lower tail is as probable as its mirror in the upper one.
        assert!(near(2.0 * exact_tail(n, m, n * m - u), p, 1e-13), "{n} {m}");
        assert!(near(exact_tail(m, n, n * m - u), exact_tail(n, m, n * m - u), 1e-13), "{m} {n}");
        assert!(2.0 * exact_tail(n, m, n * m - u - 1) > 0.05, "{n} {m}");
    }
}

#[test]
fn the_rank_test_gives_what_scipy_gives() {
    // (first, second, U, p, exact), by SciPy 1.17.1.
    let uniform = |from: u64, count: u64, more: f64| (from..from + count).map(|at| noise(at) + more).collect::<Vec<_>>();
    let whole = |from: u64, count: u64, to: f64| (from..from + count).map(|at| (noise(at) * to).floor()).collect::<Vec<_>>();
    let cases = [
        (uniform(0, 30, 0.0), uniform(1000, 25, 0.2), 279.0, 0.106_474_375_700_619_09, false),
        (uniform(0, 20, 0.0), uniform(1000, 15, 0.2), 96.0, 0.074_282_139_838_925_01, true),
        (whole(0, 2000, 10.0), whole(10_000, 3000, 10.5), 2_805_158.0, 9.057_379_235_406_04e-5, false),
        (uniform(0, 100, 0.0), uniform(0, 100, 1.0), 0.0, 2.562_143_669_163_401e-34, false),
        (vec![1.0; 3], vec![1.0; 2], 3.0, 1.0, false),
        (vec![1.0, 2.0, 3.0], vec![1.0, 2.0, 3.0], 4.5, 1.0, false),
        (vec![0.0, -0.0, 0.0, 0.0, 5.0], vec![0.0, 0.0, -0.0, 1.0, 1.0, 7.0], 11.0, 0.457_858_488_067_454_2, false),
    ];
    for (one, other, u, p, exact) in cases {
        let found = test(&one, &other);
        assert_eq!((found.u, found.exact), (u, exact));
        assert!(near(found.p, p, 1e-11), "{found:?}, expected {p}");
    }
    assert_eq!(mann_whitney(&[], &[1.0]), None);
    assert_eq!(mann_whitney(&[1.0], &[]), None);
}

#[test]
fn the_normal_tail_is_right_to_all_but_the_last_digits() {
    // By SciPy 1.17.1 `norm.sf`.
    let cases = [
        (-1.0, 0.841_344_746_068_542_9),
        (0.0, 0.5),
        (0.5, 0.308_537_538_725_986_9),
        (1.0, 0.158_655_253_931_457_07),
        (1.96, 0.024_997_895_148_220_435),
        (2.8, 0.002_555_130_330_427_932),
        (2.9, 0.001_865_813_300_384_037_5),
        (3.0, 0.001_349_898_031_630_093_3),
        (5.0, 2.866_515_718_791_933e-7),
        (10.0, 7.619_853_024_160_47e-24),
        (37.0, 5.725_571_222_523_927e-300),
    ];
    for (z, p) in cases {
        assert!(near(normal_tail(z), p, 1e-12), "{z}: {} for {p}", normal_tail(z));
    }
    assert_eq!(normal_tail(60.0), 0.0);
}

#[test]
fn the_generator_is_the_published_one() {
    // The first numbers from 1234567, as its authors' own program gives them.
    let mut random = SplitMix64(1_234_567);
    assert_eq!(
        [random.next(), random.next(), random.next()],
        [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]
    );
    assert!((0..1000).all(|_| random.below(7) < 7));
}

/// In which share of 200 pairs of samples the interval holds the true ratio, drawing at most so many values of each.
fn share_held(
    sizes: (u64, u64),
    most_drawn: usize,
    true_ratio: f64,
    value: impl Fn(u64) -> f64,
    aggregate: impl Fn(&[f64]) -> Option<f64>,
) -> f64 {
    let held = (0..200u64).filter(|case| {
        let sample = |part: u64, count: u64, factor: f64| sorted((0..count).map(|at| factor * value((case * 2 + part) * 100_000 + at)));
        let found = interval(&sample(0, sizes.0, true_ratio), &sample(1, sizes.1, 1.0), &aggregate, most_drawn).unwrap();
        found.low <= true_ratio && true_ratio <= found.high
    });
    held.count() as f64 / 200.0
}

#[test]
fn the_interval_of_a_ratio_holds_the_true_one_in_about_95_of_100_cases() {
    let exponential = |at: u64| -(1.0 - noise(at)).ln();
    let about_normal = |at: u64| 10.0 + (0..6).map(|part| noise(at + part * 10_000_000_019)).sum::<f64>();
    let quantile = |q: f64| move |values: &[f64]| quantile_sorted(values, q);
    for (what, share) in [
        ("means of 12", share_held((12, 12), 100, 0.5, about_normal, mean)),
        ("medians of 40 and 30", share_held((40, 30), 100, 1.3, exponential, quantile(0.5))),
        ("p90 of 40", share_held((40, 40), 100, 1.0, exponential, quantile(0.9))),
        // Of these only a part is drawn.
        ("means of 150 and 20", share_held((150, 20), 30, 1.1, exponential, mean)),
        ("medians of 90", share_held((90, 90), 30, 1.0, exponential, quantile(0.5))),
    ] {
        assert!((0.88..=0.99).contains(&share), "{what}: {share}");
    }
}

#[test]
fn the_interval_of_a_large_sample_is_as_narrow_as_its_size_lets_it_be() {
    // The mean of n uniform values has the deviation 1 / sqrt(12 n); that of a ratio of two, about 2·sqrt(2) times as much.
    for count in [1_000, 4_000, 16_000] {
        let sample = |from: u64| sorted((from..from + count).map(noise));
        let found = ratio_interval(&sample(0), &sample(1_000_000), mean).unwrap();
        let expected = 2.0 * 1.96 * (8.0 / 12.0 / count as f64).sqrt();
        assert!(near(found.high - found.low, expected, 0.12), "{count}: {found:?}, expected a width of {expected}");
    }
}

#[test]
fn a_ratio_has_no_interval_where_it_can_not_be_told() {
    let values = sorted((0..20).map(noise));
    assert_eq!(ratio_interval(&values[..7], &values, mean), None);
    assert_eq!(ratio_interval(&values, &values[..7], mean), None);
    assert_eq!(ratio_interval(&values, &[0.0; 20], mean), None);
    assert_eq!(ratio_interval(&values, &values, |_: &[f64]| None), None);
    // A mean that may be above or below 0.
    let around_zero = sorted((0..20).map(|at| noise(at) - 0.5));
    assert_eq!(ratio_interval(&values, &around_zero, mean), None);
    // One value in 20 that is not 0: in a third of the rounds it is not drawn.
    let mut seldom = [0.0; 20];
    seldom[19] = 1.0;
    assert_eq!(ratio_interval(&values, &seldom, mean), None);
}

#[test]
fn what_is_drawn_ascends_and_each_value_is_as_probable() {
    let values: Vec<f64> = (0..10).map(f64::from).collect();
    let (mut random, mut numbers) = (SplitMix64(1), Vec::new());
    for count in [10, 9] {
        let mut times = [0; 10];
        for _ in 0..5_000 {
            let mut drawn = Vec::new();
            match count {
                10 => draw_all(&values, &mut random, &mut numbers, &mut drawn),
                _ => draw_some(&values, count, &mut random, &mut numbers, &mut drawn),
            }
            assert!(drawn.len() == count && drawn.is_sorted());
            drawn.iter().for_each(|value| times[*value as usize] += 1);
        }
        // 5,000 expected of each where 10 are drawn; the deviation is some 67.
        assert!(times.iter().all(|times| (times - 500 * count as i32).abs() < 300), "{times:?}");
    }
}

#[test]
fn constants_have_an_exact_ratio_and_negative_values_one_too() {
    assert_eq!(ratio_interval(&[6.0; 10], &[4.0; 2_000], mean), Some(RatioInterval { ratio: 1.5, low: 1.5, high: 1.5 }));
    assert_eq!(ratio_interval(&[0.0; 10], &[4.0; 10], mean), Some(RatioInterval { ratio: 0.0, low: 0.0, high: 0.0 }));
    let below = sorted((0..50).map(|at| -10.0 - noise(at)));
    let found = ratio_interval(&below, &below, mean).unwrap();
    assert!(found.ratio == 1.0 && found.low > 0.95 && found.high < 1.05, "{found:?}");
}

fn whole_values(most: usize) -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec((-20i32..20).prop_map(f64::from), 1..most).prop_map(sorted)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn u_counts_the_pairs(one in whole_values(40), other in whole_values(40)) {
        let pairs = one.iter().flat_map(|one| other.iter().map(move |other| if one > other { 1.0 } else if one == other { 0.5 } else { 0.0 }));
        let found = mann_whitney(&one, &other).unwrap();
        prop_assert_eq!(found.u, pairs.sum::<f64>());
        let swapped = mann_whitney(&other, &one).unwrap();
        prop_assert_eq!((swapped.p, swapped.exact), (found.p, found.exact));
        prop_assert!(near(swapped.superiority + found.superiority, 1.0, 1e-12));
        prop_assert!((0.0..=1.0).contains(&found.p));
    }

    #[test]
    fn exact_and_normal_agree_on_samples_of_20(shift in 0.0..1.0f64, from in 0u64..1_000_000) {
        let one = sorted((from..from + 20).map(noise));
        let other = sorted((from + 50..from + 70).map(|at| noise(at) + shift));
        let found = mann_whitney(&one, &other).unwrap();
        let farther = found.u.max(400.0 - found.u);
        let normal = (2.0 * normal_tail((farther - 200.5) / (400.0 * 41.0 / 12.0f64).sqrt())).min(1.0);
        prop_assert!(found.exact && (found.p - normal).abs() < 0.01, "{:?} {}", found, normal);
    }

    #[test]
    fn the_interval_holds_its_ratio_and_scales_with_it(from in 0u64..1_000_000, power in -8i32..8) {
        let one = sorted((from..from + 20).map(noise));
        let other = sorted((from + 50..from + 80).map(noise));
        let scale = 2f64.powi(power);
        let scaled: Vec<f64> = one.iter().map(|value| value * scale).collect();
        let found = ratio_interval(&one, &other, mean).unwrap();
        prop_assert!(found.low <= found.ratio && found.ratio <= found.high);
        // Of values drawn with replacement fewer are distinct than of the sample, and by a ratio to a constant more.
        let distinct = |values: &[f64]| Some(values.chunk_by(|a, b| a == b).count() as f64);
        for found in [ratio_interval(&one, &[1.0; 10], distinct).unwrap(), ratio_interval(&[1.0; 10], &one, distinct).unwrap()] {
            prop_assert!(found.low <= found.ratio && found.ratio <= found.high, "{:?}", found);
        }
        let expected = RatioInterval { ratio: found.ratio * scale, low: found.low * scale, high: found.high * scale };
        prop_assert_eq!(ratio_interval(&scaled, &other, mean).unwrap(), expected);
    }
}
