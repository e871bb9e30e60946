complete -c rollup -l every -d 'The length of a window [default: 10s]' -r
complete -c rollup -l slide -d 'Start a window every SPAN, so that windows overlap' -r
complete -c rollup -l session -d 'Windows of what follows one another within GAP' -r
complete -c rollup -l by -d 'Keep groups apart by these tags; `*` for every tag [default: by metric alone]' -r
complete -c rollup -l stats -d 'The numbers wanted [default: count,sum,min,max,mean,p50,p95,p99]' -r
complete -c rollup -l late -d 'Wait so long for records that come late [default: 2s]' -r
complete -c rollup -l ahead -d 'Leave out records further than SPAN in the future [default: 1d]' -r
complete -c rollup -l fill -d 'What stands for a known group\'s empty windows: null, zero or last' -r
complete -c rollup -l synthetic -d 'Made activity: apart (windows of its own), include, only or exclude [default: apart]' -r
complete -c rollup -l error -d 'The relative error of sketches [default: 1%]' -r
complete -c rollup -l max-series -d 'How many groups to keep apart; further ones share one [default: 100000]' -r
complete -c rollup -l heartbeat -d 'Beat as NAME while the main loop turns, so that somebody can expect it' -r
complete -c rollup -l heartbeat-every -d 'How often to beat [default: 10s]' -r
complete -c rollup -l heartbeat-to -d 'Where to beat, a folder or http://HOST/ping/KEY/; may be repeated [default: the state folder]' -r
complete -c rollup -l at -d 'The current time: `2026-11-22T19:45:03Z`, `10:01`, `10m` (ago)' -r
complete -c rollup -l since -d 'Leave out records before TIME: an instant, or `10m` (ago)' -r
complete -c rollup -l until -d 'Leave out records at and after TIME' -r
complete -c rollup -l rejects -d 'Keep lines that are no records in FILE, whole' -r
complete -c rollup -l merge -d 'Merge windows of equal time, metric and tags; --every is theirs'
complete -c rollup -l line-buffered -d 'Write every line at once'
complete -c rollup -l strict -d 'End at the first line that is no record'
complete -c rollup -s h -l help -d 'Print help'
complete -c rollup -s V -l version -d 'Print version'
