# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_collect_global_optspecs
    string join \n h/help V/version
end

function __fish_collect_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_collect_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_collect_using_subcommand
    set -l cmd (__fish_collect_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c collect -n "__fish_collect_needs_command" -s h -l help -d 'Print help'
complete -c collect -n "__fish_collect_needs_command" -s V -l version -d 'Print version'
complete -c collect -n "__fish_collect_needs_command" -f -a "host" -d 'This machine: cpu, load, memory, swap, disks, network, pressure, processes, files'
complete -c collect -n "__fish_collect_needs_command" -f -a "statsd" -d 'Listen for StatsD, with DogStatsD\'s tags, events and times, over UDP, TCP or a Unix socket'
complete -c collect -n "__fish_collect_needs_command" -f -a "csv" -d 'Tables of text: a column of times, columns of numbers'
complete -c collect -n "__fish_collect_needs_command" -f -a "log" -d 'Lines of text by a regular expression, of files that may grow and rotate'
complete -c collect -n "__fish_collect_needs_command" -f -a "lines" -d 'Lines in another program\'s format, such as StatsD\'s or Graphite\'s'
complete -c collect -n "__fish_collect_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c collect -n "__fish_collect_using_subcommand host" -l every -d 'How often to measure' -r
complete -c collect -n "__fish_collect_using_subcommand host" -l count -d 'End after so many measurements' -r
complete -c collect -n "__fish_collect_using_subcommand host" -l tag -d 'Add a tag to every record; may be repeated' -r
complete -c collect -n "__fish_collect_using_subcommand host" -l top -d 'Tell the N processes that use most of the processors, and of memory' -r
complete -c collect -n "__fish_collect_using_subcommand host" -l proc -d 'Where the kernel\'s files are' -r -F
complete -c collect -n "__fish_collect_using_subcommand host" -l heartbeat -d 'Beat as NAME while the main loop turns, so that somebody can expect it' -r
complete -c collect -n "__fish_collect_using_subcommand host" -l heartbeat-every -d 'How often to beat [default: 10s]' -r
complete -c collect -n "__fish_collect_using_subcommand host" -l heartbeat-to -d 'Where to beat, a folder or http://HOST/ping/KEY/; may be repeated [default: the state folder]' -r
complete -c collect -n "__fish_collect_using_subcommand host" -l at -d 'The current time: `2026-11-22T19:45:03Z`, `10:01`, `10m` (ago)' -r
complete -c collect -n "__fish_collect_using_subcommand host" -l per-core -d 'Tell each core, as core.used, core.user, …'
complete -c collect -n "__fish_collect_using_subcommand host" -l metrics -d 'List the metrics with their units and end'
complete -c collect -n "__fish_collect_using_subcommand host" -s h -l help -d 'Print help'
complete -c collect -n "__fish_collect_using_subcommand statsd" -l udp -d 'Listen for UDP there; a bare port is one of 127.0.0.1 [default: 8125, unless --tcp or --unix is given]' -r
complete -c collect -n "__fish_collect_using_subcommand statsd" -l tcp -d 'Listen for lines over TCP there; at most 256 connections' -r
complete -c collect -n "__fish_collect_using_subcommand statsd" -l unix -d 'Listen for datagrams at a Unix socket there' -r
complete -c collect -n "__fish_collect_using_subcommand statsd" -l flush -d 'Sum up, and write one record a series and span of so long: `10s`' -r
complete -c collect -n "__fish_collect_using_subcommand statsd" -l tags -d 'Also read tags inside names: influx (a,k=v), librato (a#k=v), signalfx (a[k=v]) or all' -r
complete -c collect -n "__fish_collect_using_subcommand statsd" -l max-series -d 'Keep at most so many series apart; further ones are summed up in `collect.overflow`' -r
complete -c collect -n "__fish_collect_using_subcommand statsd" -l buffer -d 'Ask the kernel for so large a buffer for each socket' -r
complete -c collect -n "__fish_collect_using_subcommand statsd" -l heartbeat -d 'Beat as NAME while the main loop turns, so that somebody can expect it' -r
complete -c collect -n "__fish_collect_using_subcommand statsd" -l heartbeat-every -d 'How often to beat [default: 10s]' -r
complete -c collect -n "__fish_collect_using_subcommand statsd" -l heartbeat-to -d 'Where to beat, a folder or http://HOST/ping/KEY/; may be repeated [default: the state folder]' -r
complete -c collect -n "__fish_collect_using_subcommand statsd" -l repeat-gauges -d 'With --flush, write gauges that were not set again, for an hour'
complete -c collect -n "__fish_collect_using_subcommand statsd" -l sketch -d 'With --flush, let windows carry the sketch of their values, by which they can be merged'
complete -c collect -n "__fish_collect_using_subcommand statsd" -s h -l help -d 'Print help'
complete -c collect -n "__fish_collect_using_subcommand csv" -l time -d 'The column of the time, by name or number; else one named time, timestamp, ts, date' -r
complete -c collect -n "__fish_collect_using_subcommand csv" -l time-format -d 'How times are written: rfc3339, s, ms, us, ns, or as `%d/%b/%Y:%H:%M:%S %z`; without offset: UTC' -r
complete -c collect -n "__fish_collect_using_subcommand csv" -l value -d 'A column of values; else every further column that holds numbers' -r
complete -c collect -n "__fish_collect_using_subcommand csv" -l metric -d 'The column that holds the metric\'s name' -r
complete -c collect -n "__fish_collect_using_subcommand csv" -l name -d 'The metric\'s name, else that of the column; with several columns, what their names begin with' -r
complete -c collect -n "__fish_collect_using_subcommand csv" -l tag -d 'A column that is a tag; or KEY=VALUE, a tag of every record' -r
complete -c collect -n "__fish_collect_using_subcommand csv" -l unit -d 'The values\' unit, or COLUMN=UNIT for one column' -r
complete -c collect -n "__fish_collect_using_subcommand csv" -l type -d 'How values are to be read: gauge, counter or delta' -r
complete -c collect -n "__fish_collect_using_subcommand csv" -l delimiter -d 'What separates cells, or `tab`' -r
complete -c collect -n "__fish_collect_using_subcommand csv" -l rejects -d 'Keep what can\'t be used in FILE, whole' -r
complete -c collect -n "__fish_collect_using_subcommand csv" -l at -d 'The current time: `2026-11-22T19:45:03Z`, `10:01`, `10m` (ago)' -r
complete -c collect -n "__fish_collect_using_subcommand csv" -l no-header -d 'The first row is data; columns are numbers, from 1'
complete -c collect -n "__fish_collect_using_subcommand csv" -l strict -d 'End at the first line that can\'t be used'
complete -c collect -n "__fish_collect_using_subcommand csv" -s h -l help -d 'Print help'
complete -c collect -n "__fish_collect_using_subcommand log" -l pattern -d 'What lines look like, with named groups' -r
complete -c collect -n "__fish_collect_using_subcommand log" -l metric -d 'The metric\'s name; with several values, what their names begin with' -r
complete -c collect -n "__fish_collect_using_subcommand log" -l value -d 'A group that is a value, beside `value`; may be repeated' -r
complete -c collect -n "__fish_collect_using_subcommand log" -l event -d 'Make events of lines; groups `text` and `link`, else the line is the text' -r
complete -c collect -n "__fish_collect_using_subcommand log" -l unit -d 'The values\' unit' -r
complete -c collect -n "__fish_collect_using_subcommand log" -l type -d 'How values are to be read: gauge, counter or delta' -r
complete -c collect -n "__fish_collect_using_subcommand log" -l time-format -d 'How times are written: rfc3339, s, ms, us, ns, or as `%d/%b/%Y:%H:%M:%S %z`; without offset: UTC' -r
complete -c collect -n "__fish_collect_using_subcommand log" -l tag -d 'Add a tag to every record; may be repeated' -r
complete -c collect -n "__fish_collect_using_subcommand log" -l unmatched -d 'Lines that don\'t match: `count` them at the end, `warn` of each, or `ignore` them' -r -f -a "count\t''
warn\t''
ignore\t''"
complete -c collect -n "__fish_collect_using_subcommand log" -l from -d 'With --follow, where to begin in a file that is new to it: `start` or `end`' -r -f -a "start\t''
end\t''"
complete -c collect -n "__fish_collect_using_subcommand log" -l heartbeat -d 'Beat as NAME while the main loop turns, so that somebody can expect it' -r
complete -c collect -n "__fish_collect_using_subcommand log" -l heartbeat-every -d 'How often to beat [default: 10s]' -r
complete -c collect -n "__fish_collect_using_subcommand log" -l heartbeat-to -d 'Where to beat, a folder or http://HOST/ping/KEY/; may be repeated [default: the state folder]' -r
complete -c collect -n "__fish_collect_using_subcommand log" -l state -d 'With --follow, the folder that keeps the places' -r
complete -c collect -n "__fish_collect_using_subcommand log" -l rejects -d 'Keep what can\'t be used in FILE, whole' -r
complete -c collect -n "__fish_collect_using_subcommand log" -l at -d 'The current time: `2026-11-22T19:45:03Z`, `10:01`, `10m` (ago)' -r
complete -c collect -n "__fish_collect_using_subcommand log" -l follow -d 'Go on with what is appended, through rotation, until Ctrl-C'
complete -c collect -n "__fish_collect_using_subcommand log" -l strict -d 'End at the first line that can\'t be used'
complete -c collect -n "__fish_collect_using_subcommand log" -s h -l help -d 'Print help'
complete -c collect -n "__fish_collect_using_subcommand lines" -l format -d 'The format of the lines, see below' -r
complete -c collect -n "__fish_collect_using_subcommand lines" -l tag -d 'Add a tag to every record; may be repeated' -r
complete -c collect -n "__fish_collect_using_subcommand lines" -l rejects -d 'Keep what can\'t be used in FILE, whole' -r
complete -c collect -n "__fish_collect_using_subcommand lines" -l at -d 'The current time: `2026-11-22T19:45:03Z`, `10:01`, `10m` (ago)' -r
complete -c collect -n "__fish_collect_using_subcommand lines" -l strict -d 'End at the first line that can\'t be used'
complete -c collect -n "__fish_collect_using_subcommand lines" -s h -l help -d 'Print help'
complete -c collect -n "__fish_collect_using_subcommand help; and not __fish_seen_subcommand_from host statsd csv log lines help" -f -a "host" -d 'This machine: cpu, load, memory, swap, disks, network, pressure, processes, files'
complete -c collect -n "__fish_collect_using_subcommand help; and not __fish_seen_subcommand_from host statsd csv log lines help" -f -a "statsd" -d 'Listen for StatsD, with DogStatsD\'s tags, events and times, over UDP, TCP or a Unix socket'
complete -c collect -n "__fish_collect_using_subcommand help; and not __fish_seen_subcommand_from host statsd csv log lines help" -f -a "csv" -d 'Tables of text: a column of times, columns of numbers'
complete -c collect -n "__fish_collect_using_subcommand help; and not __fish_seen_subcommand_from host statsd csv log lines help" -f -a "log" -d 'Lines of text by a regular expression, of files that may grow and rotate'
complete -c collect -n "__fish_collect_using_subcommand help; and not __fish_seen_subcommand_from host statsd csv log lines help" -f -a "lines" -d 'Lines in another program\'s format, such as StatsD\'s or Graphite\'s'
complete -c collect -n "__fish_collect_using_subcommand help; and not __fish_seen_subcommand_from host statsd csv log lines help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
