# In a mount namespace of its own: hides what stands before the first "--", leaves only what stands before the second
# one writable (when $1 is "read-only"), and becomes the rest.
mode=$1
shift
while [ "$1" != -- ]; do
    if [ -d "$1" ]; then
        mount -t tmpfs -o ro,nosuid,nodev none "$1" || exit 71
    elif [ -S "$1" ]; then
        # One that is gone by now needs no hiding.
        mount --bind /dev/null "$1" || ! [ -S "$1" ] || exit 71
    fi
    shift
done
shift
if [ "$mode" = read-only ]; then
    for kept do
        [ "$kept" != -- ] || break
        mount --rbind "$kept" "$kept" || exit 72
    done
    while read -r _ _ _ _ point options rest; do
        case $options in ro | ro,*) continue ;; esac
        # Not files: a right to write there is none to write on a disk.
        case ${rest#*- } in
            proc\ * | sysfs\ * | cgroup* | devtmpfs\ * | devpts\ * | mqueue\ * | debugfs\ * | tracefs\ *) continue ;;
        esac
        for kept do
            [ "$kept" != -- ] || break
            case $point/ in "$kept"/*) continue 2 ;; esac
        done
        mount -o "remount,bind,ro${options#rw}" "$point" || exit 73
    done <<MOUNTS
$(cat /proc/self/mountinfo)
MOUNTS
fi
while [ "$1" != -- ]; do shift; done
shift
exec "$@"
