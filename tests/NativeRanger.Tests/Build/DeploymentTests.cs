namespace NativeRanger.Tests.Build;

public sealed class DeploymentTests
{
    [Fact]
    public void The_native_library_lies_beside_every_application_that_references_NativeRanger()
    {
        string path = Path.Combine(AppContext.BaseDirectory, "runtimes", "linux-x64", "native", "libnativeranger.so");

        Assert.True(File.Exists(path), path);
    }
}
