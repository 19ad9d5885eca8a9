# Waits for the end of its standard input, whose other end only the run holds, and ends what the run $1 has left:
# whatever carries its mark, and servers that work in its scratch (they write their titles over the mark).
read -r _
for _ in 1 2 3 4 5 6 7 8 9 10; do
    left=
    for process in $(grep -lsaxzF "OPS_SMOKE_RUN=$1" /proc/[0-9]*/environ); do
        process=${process#/proc/}
        left="$left ${process%/environ}"
    done
    for process in $(find /proc/[0-9]* -maxdepth 1 -name cwd -lname "*/scratch-$1/*" 2>/dev/null); do
        read -r name <"${process%/cwd}/comm" || continue
        process=${process#/proc/}
        [ "$name" != postgres ] || left="$left ${process%/cwd}"
    done
    [ -n "$left" ] || exit 0
    kill -KILL $left 2>/dev/null
    sleep 0.1
done
