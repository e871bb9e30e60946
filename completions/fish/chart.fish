complete -c chart -l kind -d 'lines, sparks, horizon, heat or bars [default: lines, sparks for many series]' -r
complete -c chart -l metric -d 'Draw these metrics only; `*` stands for anything' -r
complete -c chart -l by -d 'Keep series apart by these tags alone [default: by every tag]' -r
complete -c chart -l stat -d 'Of windows: which number to draw [default: mean, else the first there is]' -r
complete -c chart -l last -d 'The time before the newest record' -r
complete -c chart -l limit -d 'Mark a value: `500`, `90s`, `2GiB`' -r
complete -c chart -l compare -d 'Draw what was so long before, too, faintly: `1d`, `7d`' -r
complete -c chart -l bands -d 'Of a horizon chart: how many bands [default: 2]' -r
complete -c chart -l base -d 'Of a horizon chart: what values are distances from [default: 0]' -r
complete -c chart -l most -d 'The most series to draw, those that move most first [default: 40]' -r
complete -c chart -l title -d 'The title of SVG and HTML' -r
complete -c chart -l width -d 'Characters, or pixels of SVG and HTML' -r
complete -c chart -l height -d 'Rows of characters of one picture, or pixels' -r
complete -c chart -l zone -d 'The reader\'s clock, like Europe/Berlin [default: $TZ, or this machine\'s]' -r
complete -c chart -l at -d 'The current time: `2026-11-22T19:45:03Z`, `10:01`, `10m` (ago)' -r
complete -c chart -l since -d 'Leave out records before TIME: an instant, or `10m` (ago)' -r
complete -c chart -l until -d 'Leave out records at and after TIME' -r
complete -c chart -l rejects -d 'Keep lines that are no records in FILE, whole' -r
complete -c chart -l live -d 'Redraw each second while records come'
complete -c chart -l svg -d 'Write SVG'
complete -c chart -l html -d 'Write one HTML page that needs nothing else'
complete -c chart -l ascii -d 'Draw with plain characters'
complete -c chart -l strict -d 'End at the first line that is no record'
complete -c chart -s h -l help -d 'Print help'
complete -c chart -s V -l version -d 'Print version'
