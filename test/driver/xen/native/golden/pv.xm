name = 'pv-xm'
uuid = '5c84d37d-272e-44f3-9cc5-0edbb2f48018'
memory = 512
kernel = '/boot/vmlinuz'
ramdisk = '/boot/initrd.img'
root = '/dev/xvda ro'
extra = 'xencons=tty'
disk = [ 'phy:/dev/vg/a,xvda,w', 'tap:qcow2:/images/b.qcow2,xvdb,r' ]
vif = [ 'mac=00:16:3e:01:02:08,bridge=xenbr0,script=vif-bridge' ]
