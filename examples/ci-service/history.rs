//! Six weeks of a CI service that never was: what its parts would have measured, and when it broke.
//!
//! Commits come by the hour and the weekday, a tenth as many on a weekend. Each is a build, which
//! waits in the queue of its system for a free worker. A broker carries the messages between, a database
//! holds the state, a web server takes the hooks in. All of it is simulated in steps of ten seconds, so
//! that one thing follows from another: queues grow because nothing is delivered, not because it says so.
//!
//! What makes such data hard is in it: counters that begin anew at every restart, a nightly backup that slows
//! the database, bursts of commits, web errors for a minute at a deploy, disks that fill up and are
//! cleaned on Sundays, a worker whose clock is 90 seconds late.
//!
//! Two incidents are put in ([`incidents`]): a deploy whose broker client stalls seven minutes later, and
//! a database that becomes slow, so that builds are handed out too slowly.
//!
//! Always: the same plan gives the same records; those of one series ascend by time.

use pipewatch::record::{Event, Record, Sample, SampleType, Series};
use pipewatch::time::{Span, Timestamp};

/// Seconds of one step of the simulation.
const STEP: u32 = 10;
const DAY: u32 = 86_400;
/// Steps in a day.
const STEPS: u32 = DAY / STEP;
/// How far the clock of `worker-3` is behind.
const LATE: Span = Span::from_secs(90);

/// What is to be made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    /// How many weeks, at least two.
    pub(crate) weeks: u32,
    /// How far apart the samples of gauges and counters are; a multiple of ten seconds.
    pub(crate) every: Span,
    /// What chance begins with.
    pub(crate) seed: u64,
    /// The first instant: a Monday at midnight.
    pub(crate) start: Timestamp,
}

/// Something that went wrong.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Incident {
    /// Its name.
    pub(crate) name: &'static str,
    /// What happened.
    pub(crate) text: &'static str,
    /// What caused it began here; users feel it minutes later.
    pub(crate) from: Timestamp,
    /// When the cause was gone.
    pub(crate) to: Timestamp,
    /// When the queues it left behind were worked off.
    pub(crate) over: Timestamp,
}

/// The two incidents of a plan: in the middle, and in the last week but one or at least the last.
pub(crate) fn incidents(plan: &Plan) -> [Incident; 2] {
    let at = |week: u32, day: u32, minutes: u32| plan.start.plus(Span::from_secs((week * 7 + day) * DAY + minutes * 60));
    let (first, second) = (plan.weeks / 2 - 1, plan.weeks.saturating_sub(2).max(plan.weeks / 2));
    [
        Incident {
            name: "broker-stall",
            text: "the broker delivers nothing, seven minutes after the deploy of 14:00; a restart ends it",
            from: at(first, 3, 14 * 60 + 7),
            to: at(first, 3, 14 * 60 + 55),
            over: at(first, 3, 15 * 60 + 25),
        },
        Incident {
            name: "slow-database",
            text: "queries of the database take twenty times as long, and builds are handed out slowly",
            from: at(second, 1, 10 * 60 + 20),
            to: at(second, 1, 11 * 60 + 40),
            over: at(second, 1, 12 * 60 + 10),
        },
    ]
}

/// Chance that is the same every time: SplitMix64 (Steele, Lea, Flood 2014).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let bits = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// Between 0 and 1.
    fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Around 0 with deviation 1, nearly normal: twelve of [`Chance::share`] added up.
    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.share()).sum::<f64>() - 6.0
    }

    /// How often something came that comes `mean` times on average, for small means.
    fn count(&mut self, mean: f64) -> u32 {
        let (mut left, mut count) = ((-mean).exp(), 0);
        let share = self.share();
        let mut term = left;
        while share > left && count < 100 {
            count += 1;
            term *= mean / f64::from(count);
            left += term;
        }
        count
    }
}

/// The builds of one system: those that wait and those that run.
struct Queue {
    name: &'static str,
    workers: usize,
    /// The build in the middle takes so many seconds.
    seconds: f64,
    /// When each waiting build was asked for, in steps.
    waiting: std::collections::VecDeque<u32>,
    /// When each running build ends, and how long it takes.
    running: Vec<(u32, f64)>,
}

/// A value that wanders around its middle: an autoregression of the first order.
struct Wander {
    value: f64,
    keep: f64,
}

impl Wander {
    fn step(&mut self, chance: &mut Chance) -> f64 {
        self.value = self.keep * self.value + (1.0 - self.keep * self.keep).sqrt() * chance.normal();
        self.value
    }
}

/// The service, and what it has counted.
struct Service<'a> {
    plan: &'a Plan,
    incidents: [Incident; 2],
    chance: Chance,
    write: &'a mut dyn FnMut(Record),
    queues: [Queue; 2],
    /// Messages published, delivered; the broker counts anew when it is restarted.
    published: f64,
    delivered: f64,
    transactions: f64,
    requests: f64,
    errors: f64,
    disks: [f64; 3],
    wander: [Wander; 8],
    /// Until which step a burst of commits lasts, and a deploy is felt.
    burst: u32,
    deployed: u32,
    deploys: u32,
    /// Builds handed out are whole; what is left of a share is kept.
    credit: f64,
}

/// Makes the records of a plan, those of one step after those of the step before.
pub(crate) fn generate(plan: &Plan, write: &mut dyn FnMut(Record)) {
    let queue = |name, workers, seconds| Queue { name, workers, seconds, waiting: Default::default(), running: Vec::new() };
    let mut service = Service {
        plan,
        incidents: incidents(plan),
        chance: Chance(plan.seed),
        write,
        queues: [queue("linux", 10, 330.0), queue("mac", 5, 520.0)],
        published: 81_000.0,
        delivered: 80_990.0,
        transactions: 5.2e6,
        requests: 1.9e6,
        errors: 212.0,
        disks: [0.41, 0.52, 0.47],
        wander: [0.9, 0.98, 0.95, 0.9, 0.97, 0.9, 0.9, 0.9].map(|keep| Wander { value: 0.0, keep }),
        burst: 0,
        deployed: 0,
        deploys: 0,
        credit: 0.0,
    };
    for step in 0..plan.weeks * 7 * STEPS {
        service.step(step);
    }
}

/// How busy people are at a second of the week, 0 to 1: Monday is day 0.
fn activity(second: u32) -> f64 {
    let (day, hour) = (second / DAY % 7, f64::from(second % DAY) / 3600.0);
    let bell = |middle: f64, width: f64| (-(hour - middle).powi(2) / (2.0 * width * width)).exp();
    let shape = 0.04 + 0.8 * bell(11.0, 1.9) + 0.9 * bell(15.5, 2.2) + 0.12 * bell(21.0, 1.5);
    if day < 5 { shape } else { shape / 10.0 }
}

impl Service<'_> {
    fn step(&mut self, step: u32) {
        let now = self.plan.start.plus(Span::from_secs(step * STEP));
        let [stall, slow] = [0, 1].map(|at: usize| now >= self.incidents[at].from && now < self.incidents[at].to);
        let wander: [f64; 8] = std::array::from_fn(|at| self.wander[at].step(&mut self.chance));
        let busy = activity(step * STEP);
        if self.chance.share() < busy / 1500.0 {
            self.burst = step + 60;
        }
        self.deploy(step, now, busy);
        let burst = if step < self.burst { 4.0 } else { 1.0 };
        let commits = self.chance.count(busy * burst * 0.1);
        for _ in 0..commits {
            self.commit(step, now);
        }
        // The backup of the night reads every table.
        let hour = step % STEPS * STEP / 60;
        let backup = if (150..185).contains(&hour) { 1.8 } else { 1.0 };
        let slowness = if slow { (now.since(self.incidents[1].from).secs_f64() / 300.0).min(1.0) * 19.0 + 1.0 } else { 1.0 };
        let load = 1.0 + 0.5 * busy;
        let query = 4.0 * load * backup * slowness * (0.12 * wander[0] + 0.05 * wander[1]).exp();
        self.finish(step, now);
        self.hand_out(step, now, stall, slowness);
        self.published += f64::from(commits) + 2.0 * busy;
        if !stall {
            self.delivered = self.published - 3.0 * (0.5 * wander[2]).exp();
        } else if self.incidents[0].to.since(now) <= Span::from_secs(STEP) {
            // The restart ends the stall, and what was counted.
            (self.published, self.delivered) = (0.0, 0.0);
        }
        let felt = step < self.deployed;
        let requests = (6.0 + 60.0 * busy) * (0.1 * wander[3]).exp();
        self.requests += requests;
        self.transactions += requests * 3.0 * (0.05 * wander[4]).exp() / slowness.sqrt();
        let wrong = requests * if felt { 0.04 } else { 0.0008 } * if slowness > 8.0 { 40.0 } else { 1.0 };
        self.errors += f64::from(self.chance.count(wrong.min(50.0)));
        if u64::from(step) * u64::from(STEP) % (self.plan.every.nanos() as u64 / 1_000_000_000) == 0 {
            self.measure(step, now, Measured { query, busy, felt, stall, slowness, wander });
        }
    }

    /// A few deploys on working days; one of them stands seven minutes before the first incident.
    fn deploy(&mut self, step: u32, now: Timestamp, busy: f64) {
        let culprit = self.incidents[0].from.minus(Span::from_secs(420));
        let near = now.since(culprit) < Span::from_secs(7200) && culprit.since(now) < Span::from_secs(7200);
        let usual = busy > 0.3 && !near && self.chance.share() < 1.0 / 900.0;
        if now != culprit && !usual {
            return;
        }
        self.deploys += 1;
        self.deployed = step + 9;
        // The web server begins to count anew.
        (self.requests, self.errors) = (0.0, 0.0);
        let app = if now == culprit || self.deploys.is_multiple_of(3) { "scheduler" } else { "web" };
        let text = format!("{app} {:07x} to production", self.chance.next() & 0xfff_ffff);
        let tags = [("app", app)].into_iter().collect();
        (self.write)(Record::Event(Event { ts: now, event: "deploy".into(), text: Some(text), link: None, tags }));
    }

    fn commit(&mut self, step: u32, now: Timestamp) {
        let queue = usize::from(self.chance.share() < 0.25);
        self.queues[queue].waiting.push_back(step);
        let late = Span::from_millis((self.chance.share() * 9000.0) as u32);
        self.write_one(now.plus(late), delta("commits.received", "{commits}"), 1.0);
    }

    fn finish(&mut self, step: u32, now: Timestamp) {
        for at in 0..self.queues.len() {
            let name = self.queues[at].name;
            let (done, rest): (Vec<(u32, f64)>, Vec<_>) = self.queues[at].running.iter().partition(|(end, _)| *end <= step);
            self.queues[at].running = rest;
            for (_, seconds) in done {
                let late = Span::from_millis((self.chance.share() * 3000.0) as u32);
                self.write_one(now.plus(late), delta("build.finished", "{builds}").tag("queue", name), 1.0);
                self.write_one(now.plus(late), gauge("build.duration", "s").tag("queue", name), round(seconds, 10.0));
                let failed = f64::from(u8::from(self.chance.share() < 0.11));
                self.write_one(now.plus(late), gauge("build.failed", "1").tag("queue", name), failed);
            }
        }
    }

    /// Gives waiting builds to free workers; a stalled broker gives none, a slow database few.
    fn hand_out(&mut self, step: u32, now: Timestamp, stall: bool, slowness: f64) {
        let most = if stall { 0.0 } else { 3.0 / slowness.powf(1.65) };
        self.credit = (self.credit + most).min(3.0);
        for at in 0..self.queues.len() {
            while self.credit >= 1.0 && self.queues[at].running.len() < self.queues[at].workers {
                // The hand-over takes a moment even where a worker is free.
                let Some(asked) = self.queues[at].waiting.front().copied().filter(|asked| *asked < step) else { break };
                self.queues[at].waiting.pop_front();
                self.credit -= 1.0;
                let seconds = self.queues[at].seconds * (0.35 * self.chance.normal()).exp();
                self.queues[at].running.push((step + (seconds / f64::from(STEP)).ceil() as u32, seconds));
                let name = self.queues[at].name;
                let late = Span::from_millis(3500 + (self.chance.share() * 3000.0) as u32);
                let wait = f64::from((step - asked) * STEP) + self.chance.share() * 4.0 - 4.0;
                self.write_one(now.plus(late), delta("build.started", "{builds}").tag("queue", name), 1.0);
                self.write_one(now.plus(late), gauge("build.wait", "s").tag("queue", name), round(wait, 10.0));
            }
        }
    }

    /// Writes what is measured at intervals.
    fn measure(&mut self, step: u32, now: Timestamp, of: Measured) {
        let Measured { query, busy, felt, stall, slowness, wander } = of;
        let mut held = 0.0;
        for at in 0..self.queues.len() {
            let Queue { name, workers, waiting, running, .. } = &self.queues[at];
            let (name, workers, depth, runs) = (*name, *workers as f64, waiting.len() as f64, running.len() as f64);
            held += depth;
            self.write_one(now, gauge("queue.depth", "{builds}").tag("queue", name), depth);
            self.write_one(now, gauge("builds.running", "{builds}").tag("queue", name), runs);
            self.write_one(now, gauge("workers.total", "{workers}").tag("queue", name), workers);
            self.write_one(now, gauge("workers.busy", "1").tag("queue", name), round(runs / workers, 1e4));
        }
        let unacked = if stall { held } else { (2.0 + 8.0 * busy) * (0.3 * wander[2]).exp() };
        self.write_one(now, counter("broker.published", "{messages}"), self.published.floor());
        self.write_one(now, counter("broker.delivered", "{messages}"), self.delivered.max(0.0).floor());
        self.write_one(now, gauge("broker.messages.unacked", "{messages}"), unacked.floor());
        self.write_one(now, gauge("broker.memory", "By"), (1.8e8 + held * 4e4 + 1e6 * wander[1]).floor());
        self.write_one(now, gauge("broker.queues", "{queues}"), 4.0);
        let active = (3.0 + 10.0 * busy) * slowness.sqrt() * (0.2 * wander[5]).exp();
        self.write_one(now, gauge("db.query.latency", "ms"), round(query, 100.0));
        self.write_one(now, gauge("db.connections.active", "{connections}"), active.min(100.0).floor());
        self.write_one(now, gauge("db.connections.limit", "{connections}"), 100.0);
        let locks = f64::from(self.chance.count((0.05 * slowness * busy).min(20.0)));
        self.write_one(now, gauge("db.locks.waiting", "{locks}"), locks);
        self.write_one(now, counter("db.transactions", "{transactions}"), self.transactions.floor());
        let latency = (35.0 + 3.0 * query) * if felt { 1.8 } else { 1.0 } * (0.15 * wander[6]).exp();
        self.write_one(now, gauge("http.latency", "ms"), round(latency, 10.0));
        self.write_one(now, counter("http.requests", "{requests}"), self.requests.floor());
        self.write_one(now, counter("http.errors", "{errors}"), self.errors.floor());
        self.hosts(step, now, wander[7]);
    }

    /// Three workers share the builds; the clock of the third is late.
    fn hosts(&mut self, step: u32, now: Timestamp, wander: f64) {
        let busy = self.queues.iter().map(|queue| queue.running.len() as f64).sum::<f64>() / 15.0;
        for (at, host) in ["worker-1", "worker-2", "worker-3"].into_iter().enumerate() {
            let ts = if at == 2 { now.minus(LATE) } else { now };
            let noise = 0.03 * self.chance.normal();
            let cpu = (0.06 + 0.75 * busy + 0.04 * wander + noise).clamp(0.01, 1.0);
            self.disks[at] += self.plan.every.secs_f64() / f64::from(DAY) * (0.004 + 0.03 * busy);
            if step % (7 * STEPS) >= 6 * STEPS + STEPS / 8 && self.disks[at] > 0.55 {
                self.disks[at] = 0.42;
            }
            self.write_one(ts, gauge("cpu.used", "1").tag("host", host), round(cpu, 1e4));
            let memory = 0.22 + 0.5 * busy + 0.02 * noise;
            self.write_one(ts, gauge("memory.used", "1").tag("host", host), round(memory, 1e4));
            let disk = gauge("disk.used", "1").tag("host", host).tag("mount", "/");
            self.write_one(ts, disk, round(self.disks[at], 1e5));
        }
    }

    fn write_one(&mut self, ts: Timestamp, series: Series, value: f64) {
        (self.write)(Record::Sample(Sample::new(ts, series, value)));
    }
}

/// What one step came to.
struct Measured {
    query: f64,
    busy: f64,
    felt: bool,
    stall: bool,
    slowness: f64,
    wander: [f64; 8],
}

fn gauge(metric: &str, unit: &str) -> Series {
    Series::new(metric).unit(unit)
}

fn delta(metric: &str, unit: &str) -> Series {
    gauge(metric, unit).kind(SampleType::Delta)
}

fn counter(metric: &str, unit: &str) -> Series {
    gauge(metric, unit).kind(SampleType::Counter)
}

/// A value with a fixed number of digits: `parts` to the whole.
fn round(value: f64, parts: f64) -> f64 {
    (value * parts).round() / parts
}
