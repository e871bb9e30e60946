complete -c check -s w -l warning -d 'Warn when this is true, or when VALUE is outside of this range' -r
complete -c check -s c -l critical -d 'Call it critical when this is true, or when VALUE is outside of this range; so is a CONDITION without an option' -r
complete -c check -l name -d 'The name of the check in its verdicts [default: check]' -r
complete -c check -l by -d 'One verdict for each value of these tags' -r
complete -c check -l no-data -d 'What it means when there is no data: ok, warning, critical or unknown [default: unknown]' -r
complete -c check -l playbook -d 'Where to read what to do; goes into the verdicts' -r
complete -c check -s f -l file -d 'Rule files come in a later version' -r
complete -c check -l state -d 'Memory comes in a later version' -r
complete -c check -l reference -d 'References come in a later version' -r
complete -c check -l at -d 'Take TIME as the current time: `2026-11-22T19:45:03Z`, `10:01`, or `10m` for ten minutes ago' -r
complete -c check -l since -d 'Leave out records before TIME: an instant, or a duration ago such as `10m`' -r
complete -c check -l until -d 'Leave out records at and after TIME' -r
complete -c check -l rejects -d 'Keep lines that are no records in FILE, whole' -r
complete -c check -l no-extrapolation -d 'Do not extend the increase of a counter to its window\'s borders'
complete -c check -l nagios -d 'Print the line of a monitoring plugin instead of records'
complete -c check -l pass -d 'Pass the records read on, before the verdicts'
complete -c check -l exit-zero -d 'Exit 0 whatever was found, for pipes under `pipefail`'
complete -c check -s H -l human -d 'Explain the verdicts in plain words on standard error'
complete -c check -l strict -d 'End at the first line that is no record'
complete -c check -s h -l help -d 'Print help'
complete -c check -s V -l version -d 'Print version'
