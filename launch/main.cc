#include "launch/cli.h"

int main(int argc, char** argv) { return larimar::launch::run_program(argc, argv); }
