# Completion of lobtail for fish; made by 'lobtail completion fish'.

function __lobtail_complete
    set -l words (commandline --tokenize --cut-at-cursor --current-process)
    # As it is typed, with quotes: split into tokens fish leaves the one at the cursor out.
    set -l current (commandline --cut-at-cursor --current-token)
    set -l program $words[1]
    for line in ($program __complete fish $words[2..] "$current" 2>/dev/null)
        set -l parts (string split \t -- $line)
        switch $parts[1]
            case word part
                printf '%s\t%s\n' $parts[2] "$parts[3]"
            case file dir
                set -l path (string sub --start (math 1 + (string length -- "$parts[2]")) -- "$current")
                if test $parts[1] = dir
                    __fish_complete_directories "$path" ''
                else
                    __fish_complete_path "$path"
                end | string replace --regex '^' -- $parts[2]
        end
    end
end

complete --command lobtail --no-files --keep-order --arguments '(__lobtail_complete)'
