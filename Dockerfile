# An image that puts Pontoon on a node: start it with the node's /opt/cni/bin and /etc/cni/net.d mounted at the same
# places, for example as the init container of a DaemonSet. It copies the executable and the configuration there and ends.
FROM node:24.11.1-bookworm-slim AS build
WORKDIR /pontoon
COPY package.json package-lock.json ./
# No package's install script is needed but bun's own.
RUN npm ci --ignore-scripts --no-audit --no-fund && node node_modules/bun/install.js
COPY scripts scripts
COPY src src
RUN node scripts/build.mjs

FROM busybox:1.37.0-musl
COPY LICENSE /pontoon/LICENSE
COPY scripts/install /pontoon/scripts/install
COPY cni-conf /pontoon/cni-conf
COPY --from=build /pontoon/dist/pontoon /pontoon/dist/pontoon
ENTRYPOINT ["/pontoon/scripts/install"]
