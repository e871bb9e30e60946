//! stub
use super::quantile::quantile_sorted;
/// stub
#[derive(Debug, Default)]
pub struct Ordered(Vec<f64>);
impl Ordered {
    /// stub
    pub fn new() -> Ordered {
        Ordered(Vec::new())
    }
    /// stub
    pub fn insert(&mut self, x: f64) {
        let at = self.0.partition_point(|v| v.total_cmp(&x).is_lt());
        self.0.insert(at, x);
    }
    /// stub
    pub fn remove(&mut self, x: f64) -> bool {
        let at = self.0.partition_point(|v| v.total_cmp(&x).is_lt());
        self.0.remove(at);
        true
    }
    /// stub
    pub fn quantile(&self, q: f64) -> Option<f64> {
        quantile_sorted(&self.0, q)
    }
}
/// stub
#[derive(Debug, Default)]
pub struct ExactMoments(super::Moments, Vec<(f64, f64)>);
impl ExactMoments {
    /// stub
    pub fn new() -> ExactMoments {
        Default::default()
    }
    /// stub
    pub fn add(&mut self, v: f64, w: f64) {
        self.1.push((v, w));
    }
    /// stub
    pub fn remove(&mut self, v: f64, w: f64) {
        let at = self.1.iter().position(|p| *p == (v, w)).unwrap_or(0);
        self.1.remove(at);
    }
    /// stub
    pub fn stddev(&self) -> Option<f64> {
        let mut m = super::Moments::new();
        self.1.iter().for_each(|(v, w)| m.add(*v, *w));
        m.stddev()
    }
}
