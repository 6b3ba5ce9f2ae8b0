/* loopback - prints, as JSON, the network links it sees, the flags of `lo`, and whether a connection to 127.0.0.1 comes about. */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static int connects(int family)
{
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	struct sockaddr_in v4 = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr *address = family == AF_INET ? (struct sockaddr *)&v4 :
						       (struct sockaddr *)&v6;
	socklen_t size = family == AF_INET ? sizeof v4 : sizeof v6;
	int listener = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0),
	    client = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (listener < 0 || bind(listener, address, size) < 0 || listen(listener, 1) < 0 ||
	    getsockname(listener, address, &size) < 0)
		return errno;
	if (connect(client, address, size) < 0 && errno != EINPROGRESS)
		return errno;
	return accept(listener, NULL, NULL) < 0 ? errno : 0;
}

int main(void)
{
	struct if_nameindex *links = if_nameindex();
	struct ifreq request = { .ifr_name = "lo" };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), up;

	printf("{\"links\":[");
	for (int i = 0; links && links[i].if_name; i++)
		printf("%s\"%s\"", i ? "," : "", links[i].if_name);
	up = ioctl(fd, SIOCGIFFLAGS, &request) == 0 && (request.ifr_flags & IFF_UP);
	printf("],\"up\":%d,\"running\":%d", up, up && (request.ifr_flags & IFF_RUNNING));
	printf(",\"ipv4\":%d,\"ipv6\":%d}\n", up ? connects(AF_INET) : ENETDOWN,
	       up ? connects(AF_INET6) : ENETDOWN);
	return 0;
}
