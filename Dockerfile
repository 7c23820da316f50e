# An image that puts Pontoon on a node: start it with the node's /opt/cni/bin and /etc/cni/net.d mounted at the same
# places, for example as the init container of a DaemonSet. It copies the executable and the configuration there and ends.
# The executable is made before, by `npm run build`: it is static, so it needs nothing beside it, and runs wherever it is
# copied to.
FROM scratch
COPY LICENSE NOTICE /pontoon/
COPY cni-conf /pontoon/cni-conf
COPY dist/pontoon /pontoon/pontoon
# With it `pontoon install` refuses a folder that is not mounted from the node: the copy would go with the container.
ENV PONTOON_IN_IMAGE=yes
# Words behind the image's name are further options, and of one that is given twice the last counts.
ENTRYPOINT ["/pontoon/pontoon", "install", "--conf", "/pontoon/cni-conf/10-pontoon.conflist"]
