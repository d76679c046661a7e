# The image that `make image` builds, for who has a builder of images at hand: the same layers, the same settings.
#   make image && docker build --tag gantry:0.1.0 .
FROM scratch
ADD dist/image/base.tar /
ADD dist/image/gantry.tar /
ENV PATH=/usr/sbin:/usr/bin NODE_ENV=production
WORKDIR /
USER 65532:65532
ENTRYPOINT ["gantry"]
