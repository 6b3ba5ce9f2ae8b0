/* keys put WORD | get | drop - a key in the keyring of this user, as a mail program or a file system would keep one. */
#include <linux/keyctl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char type[] = "user", name[] = "skiff-canary";

int main(int argc, char **argv)
{
	char text[128] = "";
	long key;

	if (argc == 3)
		return syscall(SYS_add_key, type, name, argv[2], strlen(argv[2]),
			       KEY_SPEC_USER_KEYRING) < 0;
	key = syscall(SYS_keyctl, KEYCTL_SEARCH, KEY_SPEC_USER_KEYRING, type, name, 0);
	if (key < 0)
		perror("searching the keyring");
	else if (strcmp(argv[1], "drop") == 0)
		return syscall(SYS_keyctl, KEYCTL_UNLINK, key, KEY_SPEC_USER_KEYRING) < 0;
	else if (syscall(SYS_keyctl, KEYCTL_READ, key, text, sizeof text - 1) < 0)
		perror("reading the key");
	else
		printf("the host's key: %s\n", text);
	return text[0] == '\0';
}
