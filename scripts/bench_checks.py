"""A month of metrics and sixty checks over them, for `scripts/bench backtest` and `scripts/bench stream`.

200 series (10 metrics, 20 hosts in 4 roles), one sample every 10 s each, as a history folder of one
file a day; the checks in the language of `check`, and the same in that of Prometheus, so that
vmalert can be given the same work.
"""
import json, os, random, time

STEP = 10
DAY = 86_400
START = 1_792_800_000 - 1_792_800_000 % DAY  # a midnight in October 2026
GAUGES = ("cpu.used", "memory.used", "disk.used", "queue.depth", "load", "temperature", "request.duration")
COUNTERS = ("requests", "errors", "bytes.sent")
ROLES = ("web", "db", "build", "cache")
HOSTS = [(f"{role}-{n + 1}", role) for role in ROLES for n in range(5)]


def history(folder, days, say):
    """A history folder of so many days; made once."""
    if os.path.exists(folder):
        return folder
    say(f"making {days} days of 200 series, one sample every {STEP} s …")
    os.makedirs(folder + ".part", exist_ok=True)
    rand = random.Random(11)
    values = [["%.2f" % (rand.gauss(50, 8) + rise) for _ in range(4096)] for rise in (0, 30)]
    heads = [f'Z","metric":"{metric}",' for metric in GAUGES + COUNTERS]
    tails = [f',"tags":{{"host":"{host}","role":"{role}"}}}}\n' for host, role in HOSTS]
    middles = [f',"type":"counter"{tail}' for tail in tails]
    counters = [0] * (len(HOSTS) * len(COUNTERS))
    spread = [rand.randint(0, 400) for _ in range(4096)]
    for day in range(days):
        # Every day some hosts have a bad half hour.
        bad = {rand.randrange(len(HOSTS)): rand.randrange(DAY - 1800) for _ in range(4)}
        name = time.strftime("%Y-%m-%d.ndjson", time.gmtime(START + day * DAY))
        with open(os.path.join(folder + ".part", name), "w", buffering=1 << 22) as file:
            for second in range(0, DAY, STEP):
                stamp = time.strftime('{"ts":"%Y-%m-%dT%H:%M:%S.', time.gmtime(START + day * DAY + second))
                lines, at = [], rand.getrandbits(12)
                for host, tail in enumerate(tails):
                    pool = values[host in bad and bad[host] <= second < bad[host] + 1800]
                    begin = f"{stamp}{host * 7 + 100:03}"
                    for metric in range(len(GAUGES)):
                        at = at + 37 & 4095
                        lines.append(f'{begin}{heads[metric]}"value":{pool[at]}{tail}')
                    for counter in range(len(COUNTERS)):
                        at = at + 37 & 4095
                        place = host * len(COUNTERS) + counter
                        counters[place] += spread[at] if counter != 1 else spread[at] // 100
                        lines.append(f'{begin}{heads[len(GAUGES) + counter]}"value":{counters[place]}{middles[host]}')
                file.write("".join(lines))
    os.rename(folder + ".part", folder)
    return folder


def checks():
    """Name, condition, tags of groups, the same in PromQL, and how long it must hold."""
    all = []

    def add(name, condition, by, query, hold=""):
        all.append((name, condition + (f" for {hold}" if hold else ""), by, query, hold))
    for gauge in GAUGES:
        short, prom = gauge.replace(".", "-"), gauge.replace(".", "_")
        add(f"{short}-high", f"last({gauge}) > 75", "host", f"{prom} > 75", "5m")
        add(f"{short}-mean", f"mean({gauge}, 5m) > 65", "host", f"avg_over_time({prom}[5m]) > 65")
        add(f"{short}-p95", f"p95({gauge}{{role=web}}, 10m) > 85", "host", f'quantile_over_time(0.95, {prom}{{role="web"}}[10m]) > 85', "10m")
        add(f"{short}-max", f"max({gauge}{{role=build}}, 1h) > 110", "", f'max(max_over_time({prom}{{role="build"}}[1h])) > 110')
        add(f"{short}-unsteady", f"stddev({gauge}{{role=db}}, 30m) > 16", "host", f'stddev_over_time({prom}{{role="db"}}[30m]) > 16')
        add(f"{short}-silent", f"age({gauge}) > 1m", "host", f"time() - tlast_over_time({prom}[1h]) > 60")
    for counter in COUNTERS:
        prom = counter.replace(".", "_")
        add(f"{counter.replace('.', '-')}-rate", f"rate({counter}, 5m) > 30", "host", f"rate({prom}[5m]) > 30", "10m")
        add(f"{counter.replace('.', '-')}-hour", f"increase({counter}, 1h) < 100", "role", f"sum by (role) (increase({prom}[1h])) < 100")
    for role in ROLES:
        of = f'{{role="{role}"}}'
        add(f"errors-{role}", f"increase(errors{{role={role}}}, 5m) / increase(requests{{role={role}}}, 5m) > 2%", "",
            f"sum(increase(errors{of}[5m])) / sum(increase(requests{of}[5m])) > 0.02", "5m")
        add(f"gone-{role}", f"absent(load{{role={role}}}, 5m)", "", f"absent_over_time(load{of}[5m])")
    for gauge in GAUGES[:4]:
        prom = gauge.replace(".", "_")
        add(f"{gauge.replace('.', '-')}-low", f"min({gauge}, 15m) < 5", "role", f"min by (role) (min_over_time({prom}[15m])) < 5")
    return all


def rule_file(path, every, count=60):
    """The first checks as a file for `check`; past the last they begin anew with other limits."""
    every_one, made = checks(), []
    for at in range(count):
        name, condition, by, _, _ = every_one[at % len(every_one)]
        if at >= len(every_one):
            name, condition = f"{name}-{at // len(every_one) + 1}", condition.replace("m) >", "m) >=").replace("h) >", "h) >=")
        tags = f'by = ["{by}"]\n' if by else ""
        made.append(f'[{name}]\nwarning = "{condition}"\nevery = "{every}"\n{tags}')
    with open(path, "w") as file:
        file.write("\n".join(made))
    return path


def alert_rules(path):
    """The same checks as alerting rules of Prometheus."""
    rules = []
    for name, _, _, query, hold in checks():
        rules.append({"alert": name, "expr": query, "for": hold or "0s"})
    with open(path, "w") as file:
        json.dump({"groups": [{"name": "checks", "interval": f"{STEP}s", "rules": rules}]}, file)
    return path


def import_lines(day):
    """A day's file in the format of VictoriaMetrics' /api/v1/import: one line a series."""
    series = {}
    for line in open(day):
        record = json.loads(line)
        metric = record["metric"].replace(".", "_")
        values, stamps = series.setdefault((metric, record["tags"]["host"], record["tags"]["role"]), ([], []))
        values.append(record["value"])
        hours, minutes, seconds = record["ts"][11:23].split(":")
        begin = int(time.mktime(time.strptime(record["ts"][:10] + " UTC", "%Y-%m-%d %Z"))) - time.timezone
        stamps.append(begin * 1000 + int(hours) * 3_600_000 + int(minutes) * 60_000 + round(float(seconds) * 1000))
    for (metric, host, role), (values, stamps) in series.items():
        yield json.dumps({"metric": {"__name__": metric, "host": host, "role": role}, "values": values, "timestamps": stamps}) + "\n"
