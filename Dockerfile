# Two images, both begin with nothing; what is in them is made before, by `scripts/image --folder`.
#
# The first puts Pontoon on a node: start it with the node's /opt/cni/bin and /etc/cni/net.d mounted at the same
# places, for example as the init container of a DaemonSet. It copies the executable and the configuration there and
# ends. `docker build --target installer` makes it alone, of 3 MB.
FROM scratch AS installer
COPY LICENSE NOTICE /
COPY cni-conf /cni-conf
COPY dist/pontoon /pontoon
# With it `pontoon install` refuses a folder that is not mounted from the node: the copy would go with the container.
ENV PONTOON_IN_IMAGE=yes
# Words behind the image's name are further options, and of one that is given twice the last counts.
ENTRYPOINT ["/pontoon", "install", "--conf", "/cni-conf/10-pontoon.conflist"]

# The one for a cluster (deploy/) is the first, and Node.js with the agent, which the DaemonSet starts by
# /bin/node /pontoon-agent.cjs.
FROM installer
COPY dist/agent /
