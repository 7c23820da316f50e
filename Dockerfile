# An image that puts Pontoon on a node: start it with the node's /opt/cni/bin and /etc/cni/net.d mounted at
# the same places, for example as the init container of a DaemonSet. It copies the executable and the
# configuration there and ends. The executable is made before, by `npm run build`: it is static, so it runs
# wherever it is copied to.
FROM busybox:1.37.0-musl
COPY LICENSE NOTICE /pontoon/
COPY scripts/install /pontoon/scripts/install
COPY cni-conf /pontoon/cni-conf
COPY dist/pontoon /pontoon/dist/pontoon
ENTRYPOINT ["/pontoon/scripts/install"]
