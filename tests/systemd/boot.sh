#!/bin/sh
# Boots systemd as process 1 of new namespaces (unshare runs this script in them) over an overlay of the
# machine: everything that the machine has is there, and what happens there stays in $1, its disk. A folder in
# OPTIMIZER_SYSTEMD_ROOT with another Debian (debootstrap, on a file system of its own) lies above the machine's
# own files: its systemd boots.
set -eu
mount --make-rprivate /
first=$([ -e "$1/upper" ] || echo yes)
mkdir -p "$1/upper" "$1/work" "$1/root"
mount -t overlay -o "lowerdir=${OPTIMIZER_SYSTEMD_ROOT:+$OPTIMIZER_SYSTEMD_ROOT:}/,upperdir=$1/upper,workdir=$1/work" overlay "$1/root"
cd "$1/root"
mount -t proc proc proc
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs dev
for node in "null 3" "zero 5" "full 7" "random 8" "urandom 9"; do
  mknod -m 666 "dev/${node% *}" c 1 "${node#* }"
done
mknod -m 666 dev/tty c 5 0
ln -s /proc/self/fd dev/fd
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts dev/pts
ln -s pts/ptmx dev/ptmx
mount -t tmpfs -o mode=1777 tmpfs dev/shm
mount -t tmpfs -o mode=755 tmpfs run
# a machine of its own, without what the host would start in it or tidy up
if [ "$first" ]; then
  : > etc/machine-id
  rm -rf var/log/journal var/lib/optimizer etc/optimizer etc/systemd/system/*.wants etc/rc?.d
  mkdir -p etc/tmpfiles.d
  ln -sf /dev/null etc/tmpfiles.d/tmp.conf
  for unit in apt-daily.timer apt-daily-upgrade.timer systemd-resolved.service systemd-timesyncd.service; do
    ln -sf /dev/null "etc/systemd/system/$unit"
  done
fi
mkdir run/former
# pivot_root and no chroot, or services get no user namespaces; shared, or their credentials stay empty
pivot_root . run/former
umount -l /run/former
rmdir /run/former
mount --make-rshared /
exec env -i container=tests PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --system \
  --unit=multi-user.target --show-status=false --log-target=journal
