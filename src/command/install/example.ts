// The network configuration that `pontoon install --help` shows. A test compares it with
// cni-conf/10-pontoon.conflist.

export const EXAMPLE = `{
  "cniVersion": "1.0.0",
  "cniVersions": ["1.0.0", "1.1.0"],
  "name": "pods",
  "plugins": [
    {
      "type": "pontoon",
      "capabilities": {
        "portMappings": true, "bandwidth": true, "ips": true, "mac": true
      },
      "bridge": "cni0",
      "isDefaultGateway": true,
      "ipMasq": true,
      "ingressPolicy": "open",
      "ipam": {
        "type": "host-local",
        "ranges": [
          [{ "subnet": "10.222.0.0/16" }]
        ]
      }
    }
  ]
}
`;
