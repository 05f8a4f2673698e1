namespace NativeRanger.Tests.Support;

/// <summary>A test that is skipped where the machine has less memory than it needs.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class MemoryFactAttribute : FactAttribute
{
    /// <summary>What the test takes.</summary>
    public int Gigabytes
    {
        get;
        set
        {
            field = value;
            var available = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes >> 30;
            if (available < 2 * value)
            {
                Skip = $"it takes {value} GB, and {available} GB are there";
            }
        }
    }
}
