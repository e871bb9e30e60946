# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_check_global_optspecs
    string join \n w/warning= c/critical= name= by= no-data= playbook= synthetic= no-extrapolation nagios pass exit-zero H/human f/file= reference= tolerance= state= live late= heartbeat= heartbeat-every= heartbeat-to= at= since= until= rejects= strict h/help V/version
end

function __fish_check_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_check_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_check_using_subcommand
    set -l cmd (__fish_check_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c check -n "__fish_check_needs_command" -s w -l warning -d 'Warn when this is true; or a RANGE that VALUE must be in' -r
complete -c check -n "__fish_check_needs_command" -s c -l critical -d 'Critical when this is true, as a CONDITION alone; or a RANGE' -r
complete -c check -n "__fish_check_needs_command" -l name -d 'The name of the check in its verdicts [default: check]' -r
complete -c check -n "__fish_check_needs_command" -l by -d 'One verdict for each value of these tags' -r
complete -c check -n "__fish_check_needs_command" -l no-data -d 'No data is ok, warning, critical or unknown [default: unknown]' -r
complete -c check -n "__fish_check_needs_command" -l playbook -d 'Where to read what to do; goes into the verdicts' -r
complete -c check -n "__fish_check_needs_command" -l synthetic -d 'Made activity: apart, include, only or exclude [default: apart]' -r
complete -c check -n "__fish_check_needs_command" -s f -l file -d 'Judge by a rule file, or a folder of them; may be repeated' -r
complete -c check -n "__fish_check_needs_command" -l reference -d 'What `reference(…)` is of; alone: compare every metric with it' -r
complete -c check -n "__fish_check_needs_command" -l tolerance -d 'How much medians may differ, without a CONDITION [default: 10%]' -r
complete -c check -n "__fish_check_needs_command" -l state -d 'Remember in DIR what holds, and go on from there (for cron)' -r
complete -c check -n "__fish_check_needs_command" -l late -d 'With --live: wait so long for late records [default: 200ms]' -r
complete -c check -n "__fish_check_needs_command" -l heartbeat -d 'Beat as NAME while the main loop turns, so that somebody can expect it' -r
complete -c check -n "__fish_check_needs_command" -l heartbeat-every -d 'How often to beat [default: 10s]' -r
complete -c check -n "__fish_check_needs_command" -l heartbeat-to -d 'Where to beat, a folder or http://HOST/ping/KEY/; may be repeated [default: the state folder]' -r
complete -c check -n "__fish_check_needs_command" -l at -d 'The current time: `2026-11-22T19:45:03Z`, `10:01`, `10m` (ago)' -r
complete -c check -n "__fish_check_needs_command" -l since -d 'Leave out records before TIME: an instant, or `10m` (ago)' -r
complete -c check -n "__fish_check_needs_command" -l until -d 'Leave out records at and after TIME' -r
complete -c check -n "__fish_check_needs_command" -l rejects -d 'Keep lines that are no records in FILE, whole' -r
complete -c check -n "__fish_check_needs_command" -l no-extrapolation -d 'Do not extend increases of counters to a window\'s borders'
complete -c check -n "__fish_check_needs_command" -l nagios -d 'Print the line of a monitoring plugin instead of records'
complete -c check -n "__fish_check_needs_command" -l pass -d 'Pass the records read on, before the verdicts'
complete -c check -n "__fish_check_needs_command" -l exit-zero -d 'Exit 0 whatever was found, for pipes under `pipefail`'
complete -c check -n "__fish_check_needs_command" -s H -l human -d 'Explain the verdicts in plain words on standard error'
complete -c check -n "__fish_check_needs_command" -l live -d 'Judge as time passes; write a verdict when one changes'
complete -c check -n "__fish_check_needs_command" -l strict -d 'End at the first line that is no record'
complete -c check -n "__fish_check_needs_command" -s h -l help -d 'Print help'
complete -c check -n "__fish_check_needs_command" -s V -l version -d 'Print version'
complete -c check -n "__fish_check_needs_command" -a "lint" -d 'Finds what can never fire or never clear in rule files'
complete -c check -n "__fish_check_needs_command" -a "test" -d 'Runs unit tests of rule files'
complete -c check -n "__fish_check_needs_command" -a "explain" -d 'Explains a verdict: what was seen, what led there, and what would make it wrong'
complete -c check -n "__fish_check_needs_command" -a "backtest" -d 'Tells what checks would have done over weeks of history'
complete -c check -n "__fish_check_needs_command" -a "suggest" -d 'Ranks the metrics of a history, and proposes checks with limits'
complete -c check -n "__fish_check_needs_command" -a "compare" -d 'Compares two stretches of time over all metrics'
complete -c check -n "__fish_check_needs_command" -a "export" -d 'Writes the checks of rule files as rules for other programs'
complete -c check -n "__fish_check_needs_command" -a "import" -d 'Reads the rules of other programs as checks'
complete -c check -n "__fish_check_using_subcommand lint" -s f -l file -d 'Judge by a rule file, or a folder of them; may be repeated' -r
complete -c check -n "__fish_check_using_subcommand lint" -l at -d 'The current time: `2026-11-22T19:45:03Z`, `10:01`, `10m` (ago)' -r
complete -c check -n "__fish_check_using_subcommand lint" -l since -d 'Leave out records before TIME: an instant, or `10m` (ago)' -r
complete -c check -n "__fish_check_using_subcommand lint" -l until -d 'Leave out records at and after TIME' -r
complete -c check -n "__fish_check_using_subcommand lint" -l rejects -d 'Keep lines that are no records in FILE, whole' -r
complete -c check -n "__fish_check_using_subcommand lint" -l strict -d 'End at the first line that is no record'
complete -c check -n "__fish_check_using_subcommand lint" -s h -l help -d 'Print help'
complete -c check -n "__fish_check_using_subcommand test" -l coverage -d 'Name the levels that no test saw firing, or clearing'
complete -c check -n "__fish_check_using_subcommand test" -l fail-uncovered -d 'Fail when there is such a level; tells the coverage'
complete -c check -n "__fish_check_using_subcommand test" -s h -l help -d 'Print help'
complete -c check -n "__fish_check_using_subcommand explain" -s f -l file -d 'Judge by a rule file, or a folder of them; may be repeated' -r
complete -c check -n "__fish_check_using_subcommand explain" -l group -d 'Explain the groups with these tags' -r
complete -c check -n "__fish_check_using_subcommand explain" -s w -l warning -d 'Explain a check that warns when this is true' -r
complete -c check -n "__fish_check_using_subcommand explain" -s c -l critical -d 'Explain a check that is critical when this is true' -r
complete -c check -n "__fish_check_using_subcommand explain" -l name -d 'The name of a check made of conditions [default: check]' -r
complete -c check -n "__fish_check_using_subcommand explain" -l by -d 'One verdict for each value of these tags' -r
complete -c check -n "__fish_check_using_subcommand explain" -l no-data -d 'What it means when there is no data [default: unknown]' -r
complete -c check -n "__fish_check_using_subcommand explain" -l playbook -d 'Where to read what to do' -r
complete -c check -n "__fish_check_using_subcommand explain" -l at -d 'The current time: `2026-11-22T19:45:03Z`, `10:01`, `10m` (ago)' -r
complete -c check -n "__fish_check_using_subcommand explain" -l since -d 'Leave out records before TIME: an instant, or `10m` (ago)' -r
complete -c check -n "__fish_check_using_subcommand explain" -l until -d 'Leave out records at and after TIME' -r
complete -c check -n "__fish_check_using_subcommand explain" -l rejects -d 'Keep lines that are no records in FILE, whole' -r
complete -c check -n "__fish_check_using_subcommand explain" -l ascii -d 'Draw with plain characters'
complete -c check -n "__fish_check_using_subcommand explain" -l no-extrapolation -d 'Do not extend the increase of a counter to its window\'s borders'
complete -c check -n "__fish_check_using_subcommand explain" -l strict -d 'End at the first line that is no record'
complete -c check -n "__fish_check_using_subcommand explain" -s h -l help -d 'Print help'
complete -c check -n "__fish_check_using_subcommand backtest" -s w -l warning -d 'Warn when this is true; or a RANGE that VALUE must be in' -r
complete -c check -n "__fish_check_using_subcommand backtest" -s c -l critical -d 'Critical when this is true, as a CONDITION alone; or a RANGE' -r
complete -c check -n "__fish_check_using_subcommand backtest" -l name -d 'The name of the check in its verdicts [default: check]' -r
complete -c check -n "__fish_check_using_subcommand backtest" -l by -d 'One verdict for each value of these tags' -r
complete -c check -n "__fish_check_using_subcommand backtest" -l no-data -d 'No data is ok, warning, critical or unknown [default: unknown]' -r
complete -c check -n "__fish_check_using_subcommand backtest" -l playbook -d 'Where to read what to do; goes into the verdicts' -r
complete -c check -n "__fish_check_using_subcommand backtest" -l synthetic -d 'Made activity: apart, include, only or exclude [default: apart]' -r
complete -c check -n "__fish_check_using_subcommand backtest" -s f -l file -d 'Judge by a rule file, or a folder of them; may be repeated' -r
complete -c check -n "__fish_check_using_subcommand backtest" -l every -d 'Evaluate so often, whatever step the checks have' -r
complete -c check -n "__fish_check_using_subcommand backtest" -l late -d 'How late a record may be in its input' -r
complete -c check -n "__fish_check_using_subcommand backtest" -l format -d 'What to print: text or ndjson' -r
complete -c check -n "__fish_check_using_subcommand backtest" -l alerts -d 'How many alerts of each check are listed; 0: all' -r
complete -c check -n "__fish_check_using_subcommand backtest" -l zone -d 'Where it is night from 22:00 to 07:00: `+02:00`' -r
complete -c check -n "__fish_check_using_subcommand backtest" -l labels -d 'Known incidents: what was found, missed, a false alarm?' -r
complete -c check -n "__fish_check_using_subcommand backtest" -l sweep -d 'Vary limit and `for` of checks; propose the best' -r
complete -c check -n "__fish_check_using_subcommand backtest" -l at -d 'The current time: `2026-11-22T19:45:03Z`, `10:01`, `10m` (ago)' -r
complete -c check -n "__fish_check_using_subcommand backtest" -l until -d 'Leave out records at and after TIME' -r
complete -c check -n "__fish_check_using_subcommand backtest" -l rejects -d 'Keep lines that are no records in FILE, whole' -r
complete -c check -n "__fish_check_using_subcommand backtest" -l since -d 'Judge from TIME on; what conditions look back at is read, too' -r
complete -c check -n "__fish_check_using_subcommand backtest" -l no-extrapolation -d 'Do not extend increases of counters to a window\'s borders'
complete -c check -n "__fish_check_using_subcommand backtest" -l strict -d 'End at the first line that is no record'
complete -c check -n "__fish_check_using_subcommand backtest" -s h -l help -d 'Print help'
complete -c check -n "__fish_check_using_subcommand suggest" -s o -l output -d 'Write the rules to FILE, and the ranking to standard output' -r
complete -c check -n "__fish_check_using_subcommand suggest" -l budget -d 'How many false alerts there may be: `1 per week`' -r
complete -c check -n "__fish_check_using_subcommand suggest" -l labels -d 'Known incidents, instead of those that are found' -r
complete -c check -n "__fish_check_using_subcommand suggest" -l format -d 'What to print: toml, text or ndjson [default: toml, with -o text]' -r
complete -c check -n "__fish_check_using_subcommand suggest" -l top -d 'How many metrics text lists; 0: all' -r
complete -c check -n "__fish_check_using_subcommand suggest" -l at -d 'The current time: `2026-11-22T19:45:03Z`, `10:01`, `10m` (ago)' -r
complete -c check -n "__fish_check_using_subcommand suggest" -l since -d 'Leave out records before TIME: an instant, or `10m` (ago)' -r
complete -c check -n "__fish_check_using_subcommand suggest" -l until -d 'Leave out records at and after TIME' -r
complete -c check -n "__fish_check_using_subcommand suggest" -l rejects -d 'Keep lines that are no records in FILE, whole' -r
complete -c check -n "__fish_check_using_subcommand suggest" -l without-names -d 'Rank by values, units and types alone, not by what names say'
complete -c check -n "__fish_check_using_subcommand suggest" -l strict -d 'End at the first line that is no record'
complete -c check -n "__fish_check_using_subcommand suggest" -s h -l help -d 'Print help'
complete -c check -n "__fish_check_using_subcommand compare" -l reference -d 'Compare with this file or history' -r
complete -c check -n "__fish_check_using_subcommand compare" -l reference-since -d 'Where the stretch to compare with begins' -r
complete -c check -n "__fish_check_using_subcommand compare" -l reference-until -d 'Where it ends' -r
complete -c check -n "__fish_check_using_subcommand compare" -l around -d 'What came after the newest EVENT against what came before it' -r
complete -c check -n "__fish_check_using_subcommand compare" -l after -d 'What came after the newest EVENT against what came after the one before' -r
complete -c check -n "__fish_check_using_subcommand compare" -l span -d 'How long both stretches are, with --around and --after [default: 1h]' -r
complete -c check -n "__fish_check_using_subcommand compare" -l effect -d 'The least effect that counts: negligible, small, medium or large' -r
complete -c check -n "__fish_check_using_subcommand compare" -l rate -d 'How many of those called different may not be' -r
complete -c check -n "__fish_check_using_subcommand compare" -l name -d 'The name of the verdicts' -r
complete -c check -n "__fish_check_using_subcommand compare" -l format -d 'What to print: ndjson or text' -r
complete -c check -n "__fish_check_using_subcommand compare" -l at -d 'The current time: `2026-11-22T19:45:03Z`, `10:01`, `10m` (ago)' -r
complete -c check -n "__fish_check_using_subcommand compare" -l rejects -d 'Keep lines that are no records in FILE, whole' -r
complete -c check -n "__fish_check_using_subcommand compare" -l since -d 'Where the stretch that is judged begins: an instant, or `1h` (ago)' -r
complete -c check -n "__fish_check_using_subcommand compare" -l until -d 'Where it ends' -r
complete -c check -n "__fish_check_using_subcommand compare" -l strict -d 'End at the first line that is no record'
complete -c check -n "__fish_check_using_subcommand compare" -s h -l help -d 'Print help'
complete -c check -n "__fish_check_using_subcommand export; and not __fish_seen_subcommand_from prometheus nagios" -s h -l help -d 'Print help'
complete -c check -n "__fish_check_using_subcommand export; and not __fish_seen_subcommand_from prometheus nagios" -f -a "prometheus" -d 'Writes alerting rules for Prometheus or VictoriaMetrics'
complete -c check -n "__fish_check_using_subcommand export; and not __fish_seen_subcommand_from prometheus nagios" -f -a "nagios" -d 'Writes command and service definitions for Nagios and Icinga'
complete -c check -n "__fish_check_using_subcommand export; and __fish_seen_subcommand_from prometheus" -s f -l file -d 'Export the checks of a rule file, or of all `*.toml` in a folder; may be repeated' -r
complete -c check -n "__fish_check_using_subcommand export; and __fish_seen_subcommand_from prometheus" -l target -d 'Who evaluates them: prometheus (from 3.0 on), prometheus2 or victoriametrics [default: prometheus]' -r
complete -c check -n "__fish_check_using_subcommand export; and __fish_seen_subcommand_from prometheus" -l unit -d 'The unit of a metric, as in its records, `1` for none; may be repeated' -r
complete -c check -n "__fish_check_using_subcommand export; and __fish_seen_subcommand_from prometheus" -l look-back -d 'How far back to look for the newest sample, where a check looks without end' -r
complete -c check -n "__fish_check_using_subcommand export; and __fish_seen_subcommand_from prometheus" -l one-series -d 'Promise that each group has one series of each metric'
complete -c check -n "__fish_check_using_subcommand export; and __fish_seen_subcommand_from prometheus" -l partial -d 'Write what can be said, although something can\'t be'
complete -c check -n "__fish_check_using_subcommand export; and __fish_seen_subcommand_from prometheus" -s h -l help -d 'Print help'
complete -c check -n "__fish_check_using_subcommand export; and __fish_seen_subcommand_from nagios" -s f -l file -d 'Export the checks of a rule file, or of all `*.toml` in a folder; may be repeated' -r
complete -c check -n "__fish_check_using_subcommand export; and __fish_seen_subcommand_from nagios" -l host -d 'The host that the services belong to' -r
complete -c check -n "__fish_check_using_subcommand export; and __fish_seen_subcommand_from nagios" -l use -d 'The service template that says when to check and whom to tell' -r
complete -c check -n "__fish_check_using_subcommand export; and __fish_seen_subcommand_from nagios" -l program -d 'Where the monitoring server finds check' -r
complete -c check -n "__fish_check_using_subcommand export; and __fish_seen_subcommand_from nagios" -s h -l help -d 'Print help'
complete -c check -n "__fish_check_using_subcommand import; and not __fish_seen_subcommand_from prometheus" -s h -l help -d 'Print help'
complete -c check -n "__fish_check_using_subcommand import; and not __fish_seen_subcommand_from prometheus" -f -a "prometheus" -d 'Reads alerting rules of Prometheus or VictoriaMetrics'
complete -c check -n "__fish_check_using_subcommand import; and __fish_seen_subcommand_from prometheus" -l target -d 'Who evaluated them: prometheus (from 3.0 on), prometheus2 or victoriametrics [default: prometheus]' -r
complete -c check -n "__fish_check_using_subcommand import; and __fish_seen_subcommand_from prometheus" -l by -d 'The labels that tell the series of a metric apart, for rules that fire for each' -r
complete -c check -n "__fish_check_using_subcommand import; and __fish_seen_subcommand_from prometheus" -l look-back -d 'For how long the newest sample of a series counts there [default: 5m]' -r
complete -c check -n "__fish_check_using_subcommand import; and __fish_seen_subcommand_from prometheus" -l every -d 'How far apart evaluations are in a group that does not say it [default: 1m]' -r
complete -c check -n "__fish_check_using_subcommand import; and __fish_seen_subcommand_from prometheus" -l rules -d 'Of a file of unit tests: the checks they are for [default: check.toml]' -r
complete -c check -n "__fish_check_using_subcommand import; and __fish_seen_subcommand_from prometheus" -l one-series -d 'Promise that each group has one series of each metric'
complete -c check -n "__fish_check_using_subcommand import; and __fish_seen_subcommand_from prometheus" -l partial -d 'Write what can be said, although something can\'t be'
complete -c check -n "__fish_check_using_subcommand import; and __fish_seen_subcommand_from prometheus" -s h -l help -d 'Print help'
