//! `chart`: records to a picture, for a person to look at.

mod draw;
mod gather;
mod keys;
mod live;
mod plan;

use clap::{Arg, ArgAction, ArgMatches, Command};

use self::gather::Gathered;
use self::plan::Plan;
use super::{Code, Failure, Inputs, Io, Output, Tool, args, input};

/// The program.
pub const TOOL: Tool = Tool { name: "chart", command, run, usage_code: Code::USAGE };

const EXAMPLES: &str = "\
Examples:
  chart --last 1h HISTORY                          every metric of the last hour
  collect host | chart --live                      this machine, redrawn each second
  chart --metric 'queue.*' --by queue --limit 500 FILE
  chart --kind horizon --last 1d HISTORY           many series, a row each
  chart --kind heat --metric request.latency FILE  how often which values came
  chart --html --last 1d HISTORY >report.html";

const NOTES: &str = "\
Counters and increments are drawn per second. Events and verdicts are marked: ▲ something was done,
! critical, w warning, ? unknown, o ok again. Keys of --live: space holds, left and right move in
time, d and w compare with yesterday and last week, q ends. No extreme is ever left out.
Exit status: 0 drawn; 1 nothing to draw; 64 usage; 65 some input was no record; 74 reading failed.";

fn command() -> Command {
    let value = |id: &'static str, name: &'static str, help: &'static str| Arg::new(id).long(id).value_name(name).help(help);
    let flag = |id: &'static str, help: &'static str| Arg::new(id).long(id).action(ArgAction::SetTrue).help(help);
    let command = Command::new("chart")
        .about("Draws records: lines, sparklines, horizon charts, heat maps and bars")
        .before_help(EXAMPLES)
        .after_help(NOTES)
        .version(env!("CARGO_PKG_VERSION"))
        .styles(args::styles())
        .arg(value("kind", "KIND", "lines, sparks, horizon, heat or bars [default: lines, sparks for many series]"))
        .arg(value("metric", "NAME,…", "Draw these metrics only; `*` stands for anything"))
        .arg(value("by", "TAG,…", "Keep series apart by these tags alone [default: by every tag]"))
        .arg(value("stat", "STAT", "Of windows: which number to draw [default: mean, else the first there is]"))
        .arg(value("last", "SPAN", "The time before the newest record"))
        .arg(value("limit", "VALUE", "Mark a value: `500`, `90s`, `2GiB`").action(ArgAction::Append))
        .arg(value("compare", "SPAN", "Draw what was so long before, too, faintly: `1d`, `7d`"))
        .arg(value("bands", "N", "Of a horizon chart: how many bands [default: 2]"))
        .arg(value("base", "VALUE", "Of a horizon chart: what values are distances from [default: 0]"))
        .arg(value("most", "N", "The most series to draw, those that move most first [default: 40]"))
        .arg(flag("live", "Redraw each second while records come").conflicts_with_all(["svg", "html"]))
        .arg(flag("svg", "Write SVG").conflicts_with("html"))
        .arg(flag("html", "Write one HTML page that needs nothing else"))
        .arg(value("title", "TEXT", "The title of SVG and HTML"))
        .arg(value("width", "N", "Characters, or pixels of SVG and HTML"))
        .arg(value("height", "N", "Rows of characters of one picture, or pixels"))
        .arg(value("zone", "ZONE", "The reader's clock, like Europe/Berlin [default: $TZ, or this machine's]"))
        .arg(flag("ascii", "Draw with plain characters"))
        .arg(args::at_option());
    input::options(command)
}

fn run(matches: &ArgMatches, io: &mut Io) -> Result<Code, Failure> {
    let plan = Plan::new(matches, io)?;
    let mut inputs = Inputs::new(TOOL.name, matches, io)?;
    if plan.live {
        return live::run(plan, inputs, io);
    }
    let mut plan = plan;
    if plan.format == plan::Format::Text && plan.width.is_none() && io.stdout_is_terminal {
        plan.width = rustix::termios::tcgetwinsize(std::io::stdout()).ok().map(|size| usize::from(size.ws_col).max(20));
    }
    let mut gathered = Gathered::new(&plan);
    let range = inputs.range;
    let mut out = Output::take(io, false);
    inputs.each(io, &mut out, &mut |line, _| gathered.line(line, &range))?;
    let drawn = draw::all(&plan, &gathered, gathered.shown(&plan, None));
    if let Some(left) = &drawn.left_out {
        io.tell(TOOL.name, left);
    }
    let Some(text) = drawn.text else {
        io.tell(TOOL.name, "no record of a metric was found in that time: nothing to draw");
        return Ok(Code::NEGATIVE);
    };
    out.lines(text.as_bytes())?;
    out.flush()?;
    Ok(inputs.rejects.code())
}
