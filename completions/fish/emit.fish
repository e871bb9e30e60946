# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_emit_global_optspecs
    string join \n metric= unit= type= weight= tag= at= to= sync= since= until= heartbeat= heartbeat-every= heartbeat-to= rejects= strict v/verbose h/help V/version
end

function __fish_emit_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_emit_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_emit_using_subcommand
    set -l cmd (__fish_emit_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c emit -n "__fish_emit_needs_command" -l metric -d 'The metric\'s name, where it would be taken for a command: `--metric time 3`' -r
complete -c emit -n "__fish_emit_needs_command" -l unit -d 'Its unit: s, ms, By, 1, %, {builds}' -r
complete -c emit -n "__fish_emit_needs_command" -l type -d 'How to read the value: gauge (the default), counter, delta, or set, whose value is a text' -r -f -a "gauge\t''
counter\t''
delta\t''
set\t''"
complete -c emit -n "__fish_emit_needs_command" -l weight -d 'How many observations the sample stands for [default: 1]' -r
complete -c emit -n "__fish_emit_needs_command" -l tag -d 'Who or where; may be repeated' -r
complete -c emit -n "__fish_emit_needs_command" -l at -l ts -d 'The current time: `2026-11-22T19:45:03Z`, `10:01`, `10m` (ago)' -r
complete -c emit -n "__fish_emit_needs_command" -l to -d 'A file, a history folder, statsd://HOST, dogstatsd://, graphite://, graphite+udp://, or -; may be repeated [default: $PIPEWATCH_TO, or -]' -r
complete -c emit -n "__fish_emit_needs_command" -l sync -d 'When files are forced to the disk: always (each block), 1s (the default), never' -r -f -a "always\t''
1s\t''
never\t''"
complete -c emit -n "__fish_emit_needs_command" -l since -d 'Leave out records before TIME: an instant, or `10m` (ago)' -r
complete -c emit -n "__fish_emit_needs_command" -l until -d 'Leave out records at and after TIME' -r
complete -c emit -n "__fish_emit_needs_command" -l heartbeat -d 'Beat as NAME while the main loop turns, so that somebody can expect it' -r
complete -c emit -n "__fish_emit_needs_command" -l heartbeat-every -d 'How often to beat [default: 10s]' -r
complete -c emit -n "__fish_emit_needs_command" -l heartbeat-to -d 'Where to beat, a folder or http://HOST/ping/KEY/; may be repeated [default: the state folder]' -r
complete -c emit -n "__fish_emit_needs_command" -l rejects -d 'Keep lines that are no records in FILE, whole' -r
complete -c emit -n "__fish_emit_needs_command" -l strict -d 'End at the first line that is no record'
complete -c emit -n "__fish_emit_needs_command" -s v -l verbose -d 'Say at the end what UDP lost and what had no place'
complete -c emit -n "__fish_emit_needs_command" -s h -l help -d 'Print help'
complete -c emit -n "__fish_emit_needs_command" -s V -l version -d 'Print version'
complete -c emit -n "__fish_emit_needs_command" -a "event" -d 'Say that something happened or was changed: a deploy, a restart, a note'
complete -c emit -n "__fish_emit_needs_command" -a "time" -d 'Run a command and emit NAME.duration (s), NAME.exit (its status) and NAME.memory (its peak, By)'
complete -c emit -n "__fish_emit_using_subcommand event" -l link -d 'Where to read more' -r
complete -c emit -n "__fish_emit_using_subcommand event" -l tag -d 'Who or where; may be repeated' -r
complete -c emit -n "__fish_emit_using_subcommand event" -l at -l ts -d 'The current time: `2026-11-22T19:45:03Z`, `10:01`, `10m` (ago)' -r
complete -c emit -n "__fish_emit_using_subcommand event" -l to -d 'A file, a history folder, statsd://HOST, dogstatsd://, graphite://, graphite+udp://, or -; may be repeated [default: $PIPEWATCH_TO, or -]' -r
complete -c emit -n "__fish_emit_using_subcommand event" -l sync -d 'When files are forced to the disk: always (each block), 1s (the default), never' -r -f -a "always\t''
1s\t''
never\t''"
complete -c emit -n "__fish_emit_using_subcommand event" -s v -l verbose -d 'Say at the end what UDP lost and what had no place'
complete -c emit -n "__fish_emit_using_subcommand event" -s h -l help -d 'Print help'
complete -c emit -n "__fish_emit_using_subcommand time" -l tag -d 'Who or where; may be repeated' -r
complete -c emit -n "__fish_emit_using_subcommand time" -l at -l ts -d 'The current time: `2026-11-22T19:45:03Z`, `10:01`, `10m` (ago)' -r
complete -c emit -n "__fish_emit_using_subcommand time" -l to -d 'A file, a history folder, statsd://HOST, dogstatsd://, graphite://, graphite+udp://, or -; may be repeated [default: $PIPEWATCH_TO, or -]' -r
complete -c emit -n "__fish_emit_using_subcommand time" -l sync -d 'When files are forced to the disk: always (each block), 1s (the default), never' -r -f -a "always\t''
1s\t''
never\t''"
complete -c emit -n "__fish_emit_using_subcommand time" -s v -l verbose -d 'Say at the end what UDP lost and what had no place'
complete -c emit -n "__fish_emit_using_subcommand time" -s h -l help -d 'Print help'
