#include "swing/lab.h"

#include "lab/command.h"

namespace swb::swing {

int labCommand(const std::vector<std::string>& arguments) {
    return lab::runCommand(arguments);
}

}  // namespace swb::swing
