# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_heartbeat_global_optspecs
    string join \n h/help V/version
end

function __fish_heartbeat_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_heartbeat_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_heartbeat_using_subcommand
    set -l cmd (__fish_heartbeat_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c heartbeat -n "__fish_heartbeat_needs_command" -s h -l help -d 'Print help'
complete -c heartbeat -n "__fish_heartbeat_needs_command" -s V -l version -d 'Print version'
complete -c heartbeat -n "__fish_heartbeat_needs_command" -f -a "beat" -d 'Give a sign of life: that a job has begun, is done, or has failed'
complete -c heartbeat -n "__fish_heartbeat_needs_command" -f -a "run" -d 'Run a job and beat for it: its start, its end, exit status, duration, peak memory, last lines'
complete -c heartbeat -n "__fish_heartbeat_needs_command" -f -a "expect" -d 'Expect a job: when it beats, and how long it takes; or list who is expected'
complete -c heartbeat -n "__fish_heartbeat_needs_command" -f -a "watch" -d 'Tell which jobs are late, failed, hung, too short, too long or were never seen'
complete -c heartbeat -n "__fish_heartbeat_needs_command" -f -a "next" -d 'Shows when a schedule comes next'
complete -c heartbeat -n "__fish_heartbeat_needs_command" -f -a "generate" -d 'Make activity regularly, mark it as made, and beat for whether making it worked'
complete -c heartbeat -n "__fish_heartbeat_needs_command" -f -a "listen" -d 'Take pings by HTTP, as healthchecks and Uptime Kuma do; say verdicts; show a status page'
complete -c heartbeat -n "__fish_heartbeat_needs_command" -f -a "flush" -d 'Send the beats that wait for a listener'
complete -c heartbeat -n "__fish_heartbeat_needs_command" -f -a "adopt" -d 'Propose a crontab with its jobs wrapped in `heartbeat run`, and a heartbeat.toml that expects them'
complete -c heartbeat -n "__fish_heartbeat_using_subcommand beat" -l state -d 'What happened: ok (the default), start, fail, log' -r -f -a "ok\t''
start\t''
fail\t''
log\t''"
complete -c heartbeat -n "__fish_heartbeat_using_subcommand beat" -l exit -d 'The job\'s exit status: 0 to 255; above 0 is a failure' -r
complete -c heartbeat -n "__fish_heartbeat_using_subcommand beat" -l run -d 'Which run this is, where several may overlap; a UUID is best' -r
complete -c heartbeat -n "__fish_heartbeat_using_subcommand beat" -l message -d 'What the job said; - reads it from standard input' -r
complete -c heartbeat -n "__fish_heartbeat_using_subcommand beat" -l metric -d 'A number of this run, kept as NAME.KEY; may be repeated' -r
complete -c heartbeat -n "__fish_heartbeat_using_subcommand beat" -l tag -d 'Who or where; may be repeated' -r
complete -c heartbeat -n "__fish_heartbeat_using_subcommand beat" -l to -d 'A folder, a file, -, or a listener: http://HOST/ping/KEY/, file:PATH, env:NAME [default: $PIPEWATCH_BEAT_TO, or the state folder]' -r
complete -c heartbeat -n "__fish_heartbeat_using_subcommand beat" -l state-dir -d 'The state folder [default: $PIPEWATCH_STATE, or the usual one]' -r
complete -c heartbeat -n "__fish_heartbeat_using_subcommand beat" -l wait -d 'How long to wait for a listener at the end [default: 2s]' -r
complete -c heartbeat -n "__fish_heartbeat_using_subcommand beat" -l retry -d 'How long to go on trying in the background, 0s for not [default: 1h]' -r
complete -c heartbeat -n "__fish_heartbeat_using_subcommand beat" -l at -d 'The current time: `2026-11-22T19:45:03Z`, `10:01`, `10m` (ago)' -r
complete -c heartbeat -n "__fish_heartbeat_using_subcommand beat" -l strict -d 'Exit with 69 or 74 when the beat is lost'
complete -c heartbeat -n "__fish_heartbeat_using_subcommand beat" -s h -l help -d 'Print help'
complete -c heartbeat -n "__fish_heartbeat_using_subcommand run" -l timeout -d 'End the job after SPAN (SIGTERM, ten seconds later SIGKILL), and exit with 124' -r
complete -c heartbeat -n "__fish_heartbeat_using_subcommand run" -l tag -d 'Who or where; may be repeated' -r
complete -c heartbeat -n "__fish_heartbeat_using_subcommand run" -l to -d 'A folder, a file, -, or a listener: http://HOST/ping/KEY/, file:PATH, env:NAME [default: $PIPEWATCH_BEAT_TO, or the state folder]' -r
complete -c heartbeat -n "__fish_heartbeat_using_subcommand run" -l state-dir -d 'The state folder [default: $PIPEWATCH_STATE, or the usual one]' -r
complete -c heartbeat -n "__fish_heartbeat_using_subcommand run" -l wait -d 'How long to wait for a listener at the end [default: 2s]' -r
complete -c heartbeat -n "__fish_heartbeat_using_subcommand run" -l retry -d 'How long to go on trying in the background, 0s for not [default: 1h]' -r
complete -c heartbeat -n "__fish_heartbeat_using_subcommand run" -l at -d 'The current time: `2026-11-22T19:45:03Z`, `10:01`, `10m` (ago)' -r
complete -c heartbeat -n "__fish_heartbeat_using_subcommand run" -l lock -d 'Do not start while a run of that name is under way: exit with 75'
complete -c heartbeat -n "__fish_heartbeat_using_subcommand run" -l quiet -d 'Print the job\'s output only when it fails'
complete -c heartbeat -n "__fish_heartbeat_using_subcommand run" -s h -l help -d 'Print help'
complete -c heartbeat -n "__fish_heartbeat_using_subcommand expect" -l every -d 'It beats so long after its last beat' -r
complete -c heartbeat -n "__fish_heartbeat_using_subcommand expect" -l cron -d 'It beats by a cron expression' -r
complete -c heartbeat -n "__fish_heartbeat_using_subcommand expect" -l oncalendar -d 'It beats by systemd\'s calendar events; may be repeated' -r
complete -c heartbeat -n "__fish_heartbeat_using_subcommand expect" -l zone -d 'The time zone of the schedule [default: UTC]' -r
complete -c heartbeat -n "__fish_heartbeat_using_subcommand expect" -l grace -d 'How much later it may be' -r
complete -c heartbeat -n "__fish_heartbeat_using_subcommand expect" -l longest -d 'How long a run may take' -r
complete -c heartbeat -n "__fish_heartbeat_using_subcommand expect" -l shortest -d 'How long a run that did its work takes at least' -r
complete -c heartbeat -n "__fish_heartbeat_using_subcommand expect" -l failures -d 'How many failures it takes: 3 in a row, or `3 of 5`' -r
complete -c heartbeat -n "__fish_heartbeat_using_subcommand expect" -l through -d 'The job at the far end of what this one makes its activity for' -r
complete -c heartbeat -n "__fish_heartbeat_using_subcommand expect" -l severity -d 'How bad it is: critical or warning' -r
complete -c heartbeat -n "__fish_heartbeat_using_subcommand expect" -l playbook -d 'Where to read what to do' -r
complete -c heartbeat -n "__fish_heartbeat_using_subcommand expect" -s f -l file -d 'The expectations; may be repeated [default: heartbeat.toml in the state folder]' -r
complete -c heartbeat -n "__fish_heartbeat_using_subcommand expect" -l state-dir -d 'The state folder [default: $PIPEWATCH_STATE, or the usual one]' -r
complete -c heartbeat -n "__fish_heartbeat_using_subcommand expect" -l at -d 'The current time: `2026-11-22T19:45:03Z`, `10:01`, `10m` (ago)' -r
complete -c heartbeat -n "__fish_heartbeat_using_subcommand expect" -l pause -d 'Expect nothing for now'
complete -c heartbeat -n "__fish_heartbeat_using_subcommand expect" -l resume -d 'Expect it again'
complete -c heartbeat -n "__fish_heartbeat_using_subcommand expect" -l remove -d 'Expect it no more'
complete -c heartbeat -n "__fish_heartbeat_using_subcommand expect" -s h -l help -d 'Print help'
complete -c heartbeat -n "__fish_heartbeat_using_subcommand watch" -s f -l file -d 'The expectations; may be repeated [default: heartbeat.toml in the state folder]' -r
complete -c heartbeat -n "__fish_heartbeat_using_subcommand watch" -l state-dir -d 'The state folder [default: $PIPEWATCH_STATE, or the usual one]' -r
complete -c heartbeat -n "__fish_heartbeat_using_subcommand watch" -l heartbeat -d 'Beat as NAME while the main loop turns, so that somebody can expect it' -r
complete -c heartbeat -n "__fish_heartbeat_using_subcommand watch" -l heartbeat-every -d 'How often to beat [default: 10s]' -r
complete -c heartbeat -n "__fish_heartbeat_using_subcommand watch" -l heartbeat-to -d 'Where to beat, a folder or http://HOST/ping/KEY/; may be repeated [default: the state folder]' -r
complete -c heartbeat -n "__fish_heartbeat_using_subcommand watch" -l peer -d 'Beat at another machine\'s listener too: http://HOST/ping/KEY/, file:PATH, env:NAME; may be repeated' -r
complete -c heartbeat -n "__fish_heartbeat_using_subcommand watch" -l at -d 'The current time: `2026-11-22T19:45:03Z`, `10:01`, `10m` (ago)' -r
complete -c heartbeat -n "__fish_heartbeat_using_subcommand watch" -l since -d 'Leave out records before TIME: an instant, or `10m` (ago)' -r
complete -c heartbeat -n "__fish_heartbeat_using_subcommand watch" -l until -d 'Leave out records at and after TIME' -r
complete -c heartbeat -n "__fish_heartbeat_using_subcommand watch" -l rejects -d 'Keep lines that are no records in FILE, whole' -r
complete -c heartbeat -n "__fish_heartbeat_using_subcommand watch" -l live -d 'Watch as time passes; write a verdict when one changes'
complete -c heartbeat -n "__fish_heartbeat_using_subcommand watch" -l exit-zero -d 'Exit 0 whatever was found, for pipes under `pipefail`'
complete -c heartbeat -n "__fish_heartbeat_using_subcommand watch" -s H -l human -d 'Tell the verdicts in plain words on standard error'
complete -c heartbeat -n "__fish_heartbeat_using_subcommand watch" -l strict -d 'End at the first line that is no record'
complete -c heartbeat -n "__fish_heartbeat_using_subcommand watch" -s h -l help -d 'Print help'
complete -c heartbeat -n "__fish_heartbeat_using_subcommand next" -s f -l file -d 'The expectations; may be repeated [default: heartbeat.toml in the state folder]' -r
complete -c heartbeat -n "__fish_heartbeat_using_subcommand next" -l state-dir -d 'The state folder [default: $PIPEWATCH_STATE, or the usual one]' -r
complete -c heartbeat -n "__fish_heartbeat_using_subcommand next" -l cron -d 'Five fields, as in a crontab, or a word like @daily' -r
complete -c heartbeat -n "__fish_heartbeat_using_subcommand next" -l oncalendar -d 'A calendar event, as in a systemd timer' -r
complete -c heartbeat -n "__fish_heartbeat_using_subcommand next" -l zone -d 'Whose clock it goes by, like Europe/Berlin [default: UTC]' -r
complete -c heartbeat -n "__fish_heartbeat_using_subcommand next" -l format -d 'instants, or text for a person [default: instants]' -r
complete -c heartbeat -n "__fish_heartbeat_using_subcommand next" -s n -l count -d 'How many instants [default: 1]' -r
complete -c heartbeat -n "__fish_heartbeat_using_subcommand next" -l at -d 'The current time: `2026-11-22T19:45:03Z`, `10:01`, `10m` (ago)' -r
complete -c heartbeat -n "__fish_heartbeat_using_subcommand next" -s h -l help -d 'Print help'
complete -c heartbeat -n "__fish_heartbeat_using_subcommand generate" -l every -d 'How often' -r
complete -c heartbeat -n "__fish_heartbeat_using_subcommand generate" -l jitter -d 'Begin each run up to SPAN later, at random' -r
complete -c heartbeat -n "__fish_heartbeat_using_subcommand generate" -l timeout -d 'End a run after SPAN [default: 5m, or --every where that is less]' -r
complete -c heartbeat -n "__fish_heartbeat_using_subcommand generate" -l tag -d 'Who or where; may be repeated' -r
complete -c heartbeat -n "__fish_heartbeat_using_subcommand generate" -l to -d 'A folder, a file, -, or a listener: http://HOST/ping/KEY/, file:PATH, env:NAME [default: $PIPEWATCH_BEAT_TO, or the state folder]' -r
complete -c heartbeat -n "__fish_heartbeat_using_subcommand generate" -l state-dir -d 'The state folder [default: $PIPEWATCH_STATE, or the usual one]' -r
complete -c heartbeat -n "__fish_heartbeat_using_subcommand generate" -l wait -d 'How long to wait for a listener at the end [default: 2s]' -r
complete -c heartbeat -n "__fish_heartbeat_using_subcommand generate" -l retry -d 'How long to go on trying in the background, 0s for not [default: 1h]' -r
complete -c heartbeat -n "__fish_heartbeat_using_subcommand generate" -l once -d 'Run once and exit with the command\'s status, for cron'
complete -c heartbeat -n "__fish_heartbeat_using_subcommand generate" -l quiet -d 'Print the command\'s output only when it fails'
complete -c heartbeat -n "__fish_heartbeat_using_subcommand generate" -s h -l help -d 'Print help'
complete -c heartbeat -n "__fish_heartbeat_using_subcommand listen" -l bind -d 'Listen there; a bare port is one of 127.0.0.1' -r
complete -c heartbeat -n "__fish_heartbeat_using_subcommand listen" -l url -d 'What clients call this listener, where it stands behind a proxy: `https://beats.example`' -r
complete -c heartbeat -n "__fish_heartbeat_using_subcommand listen" -l rate -d 'Take so many pings a second of each job, and twice as many at once' -r
complete -c heartbeat -n "__fish_heartbeat_using_subcommand listen" -l jobs -d 'Let at most so many jobs be made' -r
complete -c heartbeat -n "__fish_heartbeat_using_subcommand listen" -l body -d 'Keep so much of a ping\'s body' -r
complete -c heartbeat -n "__fish_heartbeat_using_subcommand listen" -l connections -d 'Keep at most so many connections open' -r
complete -c heartbeat -n "__fish_heartbeat_using_subcommand listen" -l state-dir -d 'The state folder [default: $PIPEWATCH_STATE, or the usual one]' -r
complete -c heartbeat -n "__fish_heartbeat_using_subcommand listen" -l heartbeat -d 'Beat as NAME while the main loop turns, so that somebody can expect it' -r
complete -c heartbeat -n "__fish_heartbeat_using_subcommand listen" -l heartbeat-every -d 'How often to beat [default: 10s]' -r
complete -c heartbeat -n "__fish_heartbeat_using_subcommand listen" -l heartbeat-to -d 'Where to beat, a folder or http://HOST/ping/KEY/; may be repeated [default: the state folder]' -r
complete -c heartbeat -n "__fish_heartbeat_using_subcommand listen" -l peer -d 'Beat at another machine\'s listener too: http://HOST/ping/KEY/, file:PATH, env:NAME; may be repeated' -r
complete -c heartbeat -n "__fish_heartbeat_using_subcommand listen" -l no-verdicts -d 'Write no verdicts to standard output'
complete -c heartbeat -n "__fish_heartbeat_using_subcommand listen" -l show-keys -d 'Print the keys, and end'
complete -c heartbeat -n "__fish_heartbeat_using_subcommand listen" -s h -l help -d 'Print help'
complete -c heartbeat -n "__fish_heartbeat_using_subcommand flush" -l for -d 'Go on trying until nothing waits, at most for SPAN' -r
complete -c heartbeat -n "__fish_heartbeat_using_subcommand flush" -l state-dir -d 'The state folder [default: $PIPEWATCH_STATE, or the usual one]' -r
complete -c heartbeat -n "__fish_heartbeat_using_subcommand flush" -s h -l help -d 'Print help'
complete -c heartbeat -n "__fish_heartbeat_using_subcommand adopt" -l crontab-out -d 'Write the crontab to FILE, which must not be there yet; - prints it alone' -r
complete -c heartbeat -n "__fish_heartbeat_using_subcommand adopt" -l toml-out -d 'Write heartbeat.toml to FILE, which must not be there yet; - prints it alone' -r
complete -c heartbeat -n "__fish_heartbeat_using_subcommand adopt" -l zone -d 'The time zone that cron goes by [default: this machine\'s]' -r
complete -c heartbeat -n "__fish_heartbeat_using_subcommand adopt" -l program -d 'How cron is to call heartbeat [default: heartbeat]' -r
complete -c heartbeat -n "__fish_heartbeat_using_subcommand adopt" -l system -d 'Jobs have a user\'s name before the command, as in /etc/crontab [default: as it looks]'
complete -c heartbeat -n "__fish_heartbeat_using_subcommand adopt" -l user -d 'Jobs have none, as in `crontab -l`'
complete -c heartbeat -n "__fish_heartbeat_using_subcommand adopt" -s h -l help -d 'Print help'
